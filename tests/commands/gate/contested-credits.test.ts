import { describe, expect, test } from 'vitest'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { SetBudgetPolicy } from '../../../src/commands/budget/set-budget-policy.ts'
import { defaultTerms } from '../../../src/commands/aggregates/policy.ts'
import { StartAttempt } from '../../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import type { CommandDefinition, ReadSet } from '../../../src/commands/decider.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { SettleReservation } from '../../../src/commands/treasury/settle-reservation.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { budgetStream } from '../../../src/events/budget.ts'
import { chatStream } from '../../../src/events/chat.ts'
import type { AccountId } from '../../../src/events/identifiers.ts'
import { PolicyScope } from '../../../src/events/policy.ts'
import { reservationFor, today } from '../../support/budget-calls.ts'
import { newId } from '../../support/council.ts'
import { testCouncil } from '../../support/lifetimes.ts'
import { id } from '../../support/treasury.ts'

const inFlight = 16
const settlements = 300

/** Two gates of one council, and the streams over which each of their appends has conflicted. */
async function twoGates() {
  const first = await testCouncil()
  const second = await testCouncil(first.councilId)
  const conflicts: string[][] = []
  for (const { log } of [first, second]) {
    const append = log.append
    log.append = async (request) => {
      const result = await append(request)
      if (result.result === 'conflict') conflicts.push(result.current.map(({ stream }) => stream))
      return result
    }
  }
  /** Executes a command until it is appended. */
  async function execute<C, Reads extends ReadSet>(
    n: number,
    definition: CommandDefinition<C, Reads>,
    input: NoInfer<C>,
  ): Promise<void> {
    const commandId = newId()
    for (;;) {
      const result = await (n % 2 === 0 ? first : second).execute(definition, input, commandId)
      if (result.result === 'rejected' && result.code === 'overloaded') continue
      return expect(result.result).toBe('appended')
    }
  }
  return { execute, conflicts, clear: () => void conflicts.splice(0) }
}
type Gates = Awaited<ReturnType<typeof twoGates>>

/** Runs work for each number with a bounded number in flight, so that both gates always have commands. */
async function each(amount: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < amount) await work(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, one))
}

async function fund({ execute }: Gates, accounts: readonly AccountId[]): Promise<void> {
  const external = id('external')
  for (const account of [external, ...accounts]) await execute(0, OpenAccount, { account })
  for (const to of accounts)
    await execute(0, TransferFunds, {
      transferId: 'fund',
      from: external,
      to,
      amountMicros: 50_000_000,
      reason: 'fund',
    })
}

const isOf = (stream: string) => (streams: readonly string[]) => streams.includes(stream)

describe('of two gates that settle costs at the same time', () => {
  test('those of model calls never conflict over spend alone: the reserve and the budget of the day change with it', async () => {
    const gates = await twoGates()
    await fund(gates, [id('reserve')])
    await gates.execute(0, SetBudgetPolicy, { scope: PolicyScope.parse('council'), ...defaultTerms, dailyMicros: 1e9 })
    const calls = Array.from({ length: settlements }, () => ({ requestId: newId(), callId: newId() }))
    await each(settlements, async (n) => {
      const { requestId, callId } = calls[n]!
      await gates.execute(n, SubmitPrompt, { requestId, text: 'Why?' })
      await gates.execute(n, StartAttempt, { requestId, attempt: 1, worker: 'w' })
      await gates.execute(n, ReserveBudget, reservationFor(requestId, { callId }))
    })
    gates.clear()
    await each(settlements, (n) => {
      const { requestId, callId } = calls[n]!
      const usage = { promptTokens: 1, completionTokens: 1, priceRef: 'none', costMicros: 7 }
      return gates.execute(n, DebitBudget, {
        work: chatStream(requestId),
        attempt: 1,
        settlement: {
          callId,
          budgets: [budgetStream('council', today())],
          outcome: 'completed',
          usage: 'reported',
          ...usage,
        },
      })
    })
    expect(gates.conflicts.length).toBeGreaterThan(0)
    for (const streams of gates.conflicts) expect(streams).toContain(`budget/council/${today()}`)
    expect(gates.conflicts.filter(isOf('account/spend')).every(isOf('account/reserve'))).toBe(true)
  })

  test('those of reservations of different agents conflict over spend alone', async () => {
    const gates = await twoGates()
    // Each gate has agents of its own.
    const agents = Array.from({ length: 8 }, (_, n) => id(`agent:a${n}`))
    await fund(gates, [id('reserve'), ...agents])
    const reservations = Array.from({ length: settlements }, (_, n) => ({ n, account: agents[n % agents.length]! }))
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const ids = reservations.map(() => newId())
    await each(settlements, async (n) => {
      await gates.execute(n, ReserveFunds, {
        account: reservations[n]!.account,
        reservationId: ids[n]!,
        amountMicros: 7,
        expiresAt,
      })
    })
    gates.clear()
    await each(settlements, (n) =>
      gates.execute(n, SettleReservation, {
        account: reservations[n]!.account,
        reservationId: ids[n]!,
        actualMicros: 7,
      }),
    )
    expect(gates.conflicts.length).toBeGreaterThan(0)
    expect(new Set(gates.conflicts.map(String))).toEqual(new Set(['account/spend']))
  })
})
