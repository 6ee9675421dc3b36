import { describe, expect, test } from 'vitest'
import { accountStream, type AccountEvent } from '../../../../src/events/account.ts'
import { budgetStream, type BudgetEvent } from '../../../../src/events/budget.ts'
import type { RecordedEvent } from '../../../../src/events/event.ts'
import { AccountId, Position, Principal, type StreamName } from '../../../../src/events/identifiers.ts'
import { modelCostCheck } from '../../../../src/events/log/verify/model-costs.ts'

type Part = { stream: StreamName; version?: number; commandId?: string } & (AccountEvent | BudgetEvent)

const debit = (actualMicros: number, scope = 'council'): Part => ({
  type: 'BudgetDebited',
  stream: budgetStream(scope, '2026-11-23'),
  data: {
    callId: 'c1',
    requestId: 'r1',
    model: 'smollm2',
    phase: 'respond',
    member: 'council',
    usage: 'reported',
    promptTokens: 10,
    completionTokens: 20,
    priceRef: 'smollm2@150/600',
    actualMicros,
  },
})
const paid = (amountMicros: number, transferId = 'c1'): Part => ({
  type: 'AccountCredited',
  stream: accountStream(AccountId.parse('spend')),
  data: { transferId, amountMicros, reason: 'pays a model call' },
})

/** The events as recorded, each of the command `one` unless it says otherwise. */
function faultsOf(parts: readonly Part[]): string[] {
  const faults: string[] = []
  const check = modelCostCheck((code, { stream }, message) => faults.push(`${code} ${stream}: ${message}`))
  for (const [index, { commandId = 'one', version = 3, ...part }] of parts.entries()) {
    const metadata = {
      eventId: `e${index}`,
      commandId,
      correlationId: 'r1',
      causationId: 'r1',
      actor: Principal.parse('service:worker'),
      occurredAt: '2026-11-23T12:00:00.000Z',
    }
    const place = { position: Position.parse(`${index + 1}-0`), sequence: index + 1, revision: 1 }
    const recorded: RecordedEvent<AccountEvent | BudgetEvent> = { ...part, ...place, version, metadata }
    check.take(recorded)
  }
  check.end()
  return faults
}

describe('the costs of model calls', () => {
  test.each<[string, Part[]]>([
    ['that the ledger pays in the same command', [debit(14), debit(14, 'user:anna'), paid(14)]],
    ['of nothing, for which nothing moves', [debit(0)]],
    ['from before the ledger paid for calls', [{ ...debit(14), version: 2 }]],
    ['next to a payment for something else', [debit(14), paid(14), paid(99, 'tool')]],
  ])('%s are in balance', (_, parts) => {
    expect(faultsOf(parts)).toEqual([])
  })

  test.each<[string, Part[], string]>([
    ['are not paid', [debit(14)], 'the call c1 costs 14 µ$ in budget/council/2026-11-23, but the ledger paid 0 µ$'],
    ['are paid in another command', [debit(14), { ...paid(14), commandId: 'two' }], 'but the ledger paid 0 µ$'],
    ['are paid twice', [debit(14), paid(14), paid(14)], 'but the ledger paid 28 µ$'],
    [
      'differ between scopes',
      [debit(14), debit(13, 'user:anna'), paid(14)],
      'costs 13 µ$ in budget/user:anna/2026-11-23, but 14 µ$ in budget/council/2026-11-23',
    ],
  ])('that %s are a fault, with their place', (_, parts, message) => {
    expect(faultsOf(parts)).toEqual([expect.stringMatching(/^cost_unbalanced budget\//)])
    expect(faultsOf(parts)[0]).toContain(message)
  })
})
