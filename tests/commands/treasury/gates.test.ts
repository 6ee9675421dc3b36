import { beforeEach, describe, expect, test } from 'vitest'
import { accountStream } from '../../../src/events/account.ts'
import { account } from '../../../src/commands/aggregates/account.ts'
import type { CommandResult } from '../../../src/commands/gate/types.ts'
import { FreezeAccount } from '../../../src/commands/treasury/freeze-account.ts'
import { FreezeTreasury } from '../../../src/commands/treasury/freeze-treasury.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { SettleReservation } from '../../../src/commands/treasury/settle-reservation.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import type { Uuid7 } from '../../../src/events/identifiers.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { testCouncil } from '../../support/lifetimes.ts'
import { id } from '../../support/treasury.ts'

/** Two processes of one council, each with its own cached states. */
let council: TestCouncil
let other: TestCouncil
beforeEach(async () => {
  council = await testCouncil()
  other = await testCouncil(council.councilId)
  for (const name of ['external', 'reserve', 'agent:ada', 'agent:bob'])
    await council.execute(OpenAccount, { account: id(name) })
})

const transfer = (from: string, to: string, amountMicros: number) => ({
  transferId: newId(),
  from: id(from),
  to: id(to),
  amountMicros,
  reason: 'story',
})
/** Transfers from the reserve to Ada at one gate. */
const pay = (by: TestCouncil, amountMicros: number) =>
  by.execute(TransferFunds, transfer('reserve', 'agent:ada', amountMicros))
const reservationOf = (amountMicros: number, reservationId = newId()) => ({
  account: id('reserve'),
  reservationId,
  amountMicros,
  expiresAt: new Date(Date.now() + 60_000).toISOString(),
})
const fund = (amountMicros: number, by = council) =>
  by.execute(TransferFunds, transfer('external', 'reserve', amountMicros))
const balance = async (name: string, by = other) => {
  const { state } = await by.gate.load(account, accountStream(id(name)))
  return state.status === 'absent' ? 0 : state.balanceMicros
}
const refusals = async () => (await council.events()).filter(({ type }) => type === 'CommandRefused')

/** Retries with the same id, as a client does, until the gate accepts the command. */
async function insist(by: TestCouncil, command: ReturnType<typeof transfer>, commandId: Uuid7): Promise<CommandResult> {
  for (;;) {
    const result = await by.execute(TransferFunds, command, commandId)
    if (result.result !== 'rejected' || result.code !== 'overloaded') return result
  }
}

describe('two gates over one treasury', () => {
  test('a freeze at one gate stops the other, whose cache still has the account as open', async () => {
    await fund(100)
    expect(await pay(other, 10)).toMatchObject({ result: 'appended' })
    await council.execute(FreezeAccount, { account: id('agent:ada'), reason: 'audit' })
    const refusal = { result: 'refused', code: 'account_frozen' }
    expect(await pay(other, 10)).toMatchObject(refusal)
    expect(await other.execute(TransferFunds, transfer('agent:ada', 'reserve', 10))).toMatchObject(refusal)
    expect(await balance('agent:ada')).toBe(10)
  })

  test('the emergency stop at one gate stops the other, also on its first use', async () => {
    await fund(100)
    expect(await pay(other, 10)).toMatchObject({ result: 'appended' })
    await council.execute(FreezeTreasury, { reason: 'intrusion' })
    const refusal = { result: 'refused', code: 'treasury_frozen' }
    expect(await pay(other, 10)).toEqual(refusal)
    expect(await other.execute(ReserveFunds, reservationOf(1))).toEqual(refusal)
  })

  test('no transfer is refused on a stale balance', async () => {
    expect(await pay(other, 50)).toMatchObject({ result: 'refused', code: 'insufficient_funds' })
    await fund(50)
    expect(await pay(other, 50)).toMatchObject({ result: 'appended' })
  })

  test('a refused id stays refused at both gates, although money has arrived since', async () => {
    const command = transfer('reserve', 'agent:ada', 50)
    const commandId = newId()
    const first = await council.execute(TransferFunds, command, commandId)
    expect(first).toEqual({
      result: 'refused',
      code: 'insufficient_funds',
      details: { account: 'reserve', availableMicros: 0, amountMicros: 50 },
    })
    await fund(500)
    for (const gate of [council, other]) expect(await gate.execute(TransferFunds, command, commandId)).toEqual(first)
    expect(await balance('agent:ada')).toBe(0)
    expect(await refusals()).toMatchObject([
      {
        stream: expect.stringMatching(/^refusals\/\d{4}-\d\d-\d\d$/),
        data: { command: 'TransferFunds', code: 'insufficient_funds', details: { availableMicros: 0 } },
        metadata: { commandId, actor: 'tester' },
      },
    ])
    expect(await other.execute(TransferFunds, command)).toMatchObject({ result: 'appended' })
  })

  test('another command with the id of a refused one is rejected', async () => {
    const commandId = newId()
    await council.execute(TransferFunds, transfer('reserve', 'agent:ada', 50), commandId)
    expect(await other.execute(TransferFunds, transfer('reserve', 'agent:ada', 49), commandId)).toMatchObject({
      code: 'command_id_reused',
    })
  })

  test('concurrent transfers never overdraw an account, and each acknowledged one is recorded once', async () => {
    await fund(1000)
    const asks = Array.from({ length: 60 }, (_, n) => ({
      commandId: newId(),
      command: transfer('reserve', n % 3 ? 'agent:ada' : 'agent:bob', 30),
      by: n % 2 ? council : other,
    }))
    const results = await Promise.all(asks.map(({ by, command, commandId }) => insist(by, command, commandId)))
    expect(results.filter(({ result }) => result === 'appended')).toHaveLength(33)
    expect(
      results.filter((result) => result.result === 'refused' && result.code === 'insufficient_funds'),
    ).toHaveLength(27)
    expect([
      await balance('reserve'),
      (await balance('agent:ada')) + (await balance('agent:bob')),
      await balance('external'),
    ]).toEqual([10, 990, -1000])

    const events = await council.events()
    for (const [index, { commandId }] of asks.entries()) {
      const types = events.filter(({ metadata }) => metadata.commandId === commandId).map(({ type }) => type)
      expect(types).toEqual(
        results[index]?.result === 'appended' ? ['AccountDebited', 'AccountCredited'] : ['CommandRefused'],
      )
    }
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
  })

  test('one command sent to both gates at once runs once', async () => {
    await fund(1000)
    const commandId = newId()
    const command = transfer('reserve', 'agent:ada', 30)
    const results = await Promise.all([council, other, council, other].map((gate) => insist(gate, command, commandId)))
    expect(results.map(({ result }) => result).sort()).toEqual(['appended', 'duplicate', 'duplicate', 'duplicate'])
    expect(await balance('agent:ada')).toBe(30)
  })

  test('one reservation is settled once, and both gates see its cost', async () => {
    await fund(1000)
    const reservationId = newId()
    await council.execute(ReserveFunds, reservationOf(400, reservationId), reservationId)
    const settle = { account: id('reserve'), reservationId, actualMicros: 1200 }
    const results = await Promise.all([council, other].map((gate) => gate.execute(SettleReservation, settle)))
    expect(results.map((result) => (result.result === 'refused' ? result.code : result.result)).sort()).toEqual([
      'appended',
      'reservation_not_open',
    ])
    expect(await Promise.all(['reserve', 'spend', 'overrun', 'external'].map((name) => balance(name)))).toEqual([
      0, 1200, -200, -1000,
    ])
  })

  test('the stored state equals the fold of the events', async () => {
    await fund(1000)
    await other.execute(ReserveFunds, reservationOf(400))
    await pay(council, 30)
    const events = (await council.events()).filter(({ stream }) => stream === 'account/reserve')
    const folded = events.reduce((state, event) => account.evolve(state, event as never), account.initial)
    expect((await other.gate.load(account, accountStream(id('reserve')))).state).toEqual(folded)
  })
})
