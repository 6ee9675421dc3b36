import { describe, expect, test } from 'vitest'
import { Principal } from '../../../src/events/identifiers.ts'
import { createGate, type CommandGate } from '../../../src/commands/gate/gate.ts'
import { maxRecordedPerMinute } from '../../../src/commands/gate/refusal-allowance.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { LogStopped, type AppendRequest, type AppendResult, type EventLog } from '../../../src/events/log/log.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { newId } from '../../support/council.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { id } from '../../support/treasury.ts'

const council = await suiteCouncil()

type Append = EventLog['append']

/** A gate with its appends through `through` and other functions of its log replaced. Only its pauses move its clock. */
function gateThrough(through: (append: Append) => Append, replaced: Partial<EventLog> = {}) {
  const clock = { ms: Date.now(), nowMs: () => clock.ms }
  const log = { ...council.log, append: through((request) => council.log.append(request)), ...replaced }
  const pause = async (ms: number) => void (clock.ms += ms)
  return { gate: createGate({ log, clock, newId, pause, logger: silentLogger }), clock }
}
const unchanged = (append: Append) => append

const context = (commandId = newId()) => ({ commandId, principal: Principal.parse('tester') })
const submit = (gate: CommandGate, text = 'Why?', requestId = newId()) =>
  gate.execute(SubmitPrompt, { requestId, text }, context(requestId))
const inLog = async (requestId: string) =>
  (await council.events()).filter(({ stream }) => stream === `chat/${requestId}`).length

describe('commands that arrive while an append is in flight', () => {
  test('share the next append, up to a number of commands', async () => {
    const sizes: number[] = []
    const { gate } = gateThrough((append) => (request) => {
      sizes.push(request.commands.length)
      return append(request)
    })
    const results = await Promise.all(Array.from({ length: 2_000 }, () => submit(gate)))
    expect(new Set(results.map(({ result }) => result))).toEqual(new Set(['appended']))
    expect(sizes[0]).toBe(1)
    expect(sizes.length).toBeLessThan(20)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_024)
  })

  test('share the next append, up to a number of bytes', async () => {
    const characters: number[] = []
    const { gate } = gateThrough((append) => (request) => {
      characters.push(request.events.reduce((sum, { data }) => sum + data.length, 0))
      return append(request)
    })
    const results = await Promise.all(Array.from({ length: 500 }, () => submit(gate, 'x'.repeat(15_000))))
    expect(new Set(results.map(({ result }) => result))).toEqual(new Set(['appended']))
    expect(characters.length).toBeGreaterThan(3)
    expect(Math.max(...characters)).toBeLessThan(2_100_000)
  })

  test('are rejected when too many wait, and the waiting ones run', async () => {
    const held = Promise.withResolvers<undefined>()
    const { gate } = gateThrough((append) => async (request) => {
      await held.promise
      return append(request)
    })
    const asked = Array.from({ length: 10_200 }, () => submit(gate))
    const turnedAway = await Promise.race(asked.slice(-1))
    expect(turnedAway).toMatchObject({ result: 'rejected', code: 'overloaded' })
    held.resolve(undefined)
    const results = await Promise.all(asked)
    const done = results.filter(({ result }) => result === 'appended').length
    expect(done).toBeGreaterThanOrEqual(10_000)
    expect(results.length - done).toBeGreaterThanOrEqual(190)
  })
})

describe('repeated refusals', () => {
  test('are recorded up to a rate per principal, and always answered', async () => {
    const { gate, clock } = gateThrough(unchanged)
    const ask = (name: string) =>
      gate.execute(
        OpenAccount,
        { account: id('agent:twice') },
        { commandId: newId(), principal: Principal.parse(name) },
      )
    const recordedOf = async (principal: string) =>
      (await council.events()).filter(({ type, metadata }) => type === 'CommandRefused' && metadata.actor === principal)
        .length
    await ask('bob')
    const results = await Promise.all(Array.from({ length: maxRecordedPerMinute + 50 }, () => ask('mallory')))
    expect(new Set(results.map((result) => result.result === 'refused' && result.code))).toEqual(
      new Set(['account_exists']),
    )
    expect(await recordedOf('mallory')).toBe(maxRecordedPerMinute)
    await ask('ada')
    expect(await recordedOf('ada')).toBe(1)
    clock.ms += 60_000
    await ask('mallory')
    expect(await recordedOf('mallory')).toBe(maxRecordedPerMinute + 1)
  })
})

describe('an append whose answer is lost', () => {
  const lost = () => Promise.reject(new Error('the connection was lost'))

  test('is sent again and applied once', async () => {
    let failures = 3
    const { gate } = gateThrough((append) => async (request) => {
      const result = await append(request)
      return failures-- > 0 ? lost() : result
    })
    const requestId = newId()
    expect(await submit(gate, 'Why?', requestId)).toMatchObject({
      result: 'duplicate',
      events: [{ stream: `chat/${requestId}`, revision: 1 }],
    })
    expect(await inLog(requestId)).toBe(1)
  })

  test('for too long has an unknown outcome, and a retry with the same id finds it', async () => {
    const { gate } = gateThrough((append) => async (request) => {
      await append(request)
      return lost()
    })
    const requestId = newId()
    expect(await submit(gate, 'Why?', requestId)).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
    expect(await submit(council.gate, 'Why?', requestId)).toMatchObject({ result: 'duplicate' })
  })

  test.each([
    ['lost its tail', 'log_stopped', 'log_lost_its_tail'],
    ['stopped in the middle of an append', 'outcome_unknown', 'log_halted'],
  ] as const)(
    'has an unknown outcome if the log then %s, and the next command is rejected as %s',
    async (_, code, fault) => {
      const stopped = new LogStopped(fault, 'the log has stopped')
      let appends = 0
      const first = gateThrough(
        (append) => (request) => (appends++ === 0 ? append(request).then(lost) : Promise.reject(stopped)),
      )
      const requestId = newId()
      const unknown = { result: 'rejected', code: 'outcome_unknown' }
      expect(await submit(first.gate, 'Why?', requestId)).toMatchObject(unknown)
      expect(await inLog(requestId)).toBe(1)
      const { gate } = gateThrough(() => () => Promise.reject(stopped))
      expect(await submit(gate)).toMatchObject({ result: 'rejected', code })
      expect(await submit(gate)).toMatchObject({ result: 'rejected', code: 'log_stopped' })
    },
  )

  test('has an unknown outcome if its id expired before the retry', async () => {
    let appends = 0
    const { gate } = gateThrough(
      (append) => async (request) =>
        appends++ === 0 ? append(request).then(lost) : { result: 'stale_ids', expired: [0], ahead: [] },
    )
    const requestId = newId()
    expect(await submit(gate, 'Why?', requestId)).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
    expect(await inLog(requestId)).toBe(1)
  })

  test.each<[string, EventLog['read']]>([
    [
      'cannot be read',
      async function* () {
        throw new Error('the connection was lost')
      },
    ],
    // A log that has just lost its tail.
    ['are no longer there', async function* () {}],
  ])('has an unknown outcome if the log knows the command but its events %s', async (_, read) => {
    const requestId = newId()
    await submit(council.gate, 'Why?', requestId)
    const { gate } = gateThrough(unchanged, { read })
    expect(await submit(gate, 'Why?', requestId)).toMatchObject({ result: 'rejected', code: 'outcome_unknown' })
  })

  test('to a log that was never reached is reported as not done', async () => {
    const { gate } = gateThrough(unchanged, { loadStates: lost })
    const requestId = newId()
    expect(await submit(gate, 'Why?', requestId)).toMatchObject({ result: 'rejected', code: 'log_unavailable' })
    expect(await submit(council.gate, 'Why?', requestId)).toMatchObject({ result: 'appended' })
  })
})

describe('an aggregate that other gates keep changing', () => {
  test('makes the gate give up a command after a bounded number of conflicts', async () => {
    let tries = 0
    const account = id('agent:busy')
    await council.execute(OpenAccount, { account })
    const { gate } = gateThrough(() => async (request: AppendRequest): Promise<AppendResult> => {
      tries++
      const current = await council.log.loadStates(
        request.reads.filter(({ revision }) => revision !== 'any').map(({ stream }) => stream),
      )
      return { result: 'conflict', current }
    })
    const transfer = { transferId: newId(), from: account, to: id('reserve'), amountMicros: 1, reason: 'story' }
    const overloaded = { result: 'rejected', code: 'overloaded' }
    expect(await gate.execute(TransferFunds, transfer, context())).toMatchObject(overloaded)
    expect(tries).toBeGreaterThan(1)
    expect(tries).toBeLessThan(1_200)
  })

  test('is decided on the state in the conflict, without another read', async () => {
    const account = id('agent:shown')
    await council.execute(OpenAccount, { account })
    let loads = 0
    const { gate } = gateThrough(unchanged, {
      loadStates(streams) {
        if (streams.length > 0) loads++
        return council.log.loadStates(streams)
      },
    })
    const transfer = (amountMicros: number) => ({
      transferId: newId(),
      from: id('external'),
      to: account,
      amountMicros,
      reason: 'story',
    })
    await council.execute(OpenAccount, { account: id('external') })
    await gate.execute(TransferFunds, transfer(1), context())
    await council.execute(TransferFunds, transfer(2))
    const before = loads
    expect(await gate.execute(TransferFunds, transfer(4), context())).toMatchObject({ result: 'appended' })
    expect(loads).toBe(before)
    expect(await council.log.loadStates([`account/${account}` as never])).toMatchObject([
      { state: expect.stringContaining('"balanceMicros":7') },
    ])
  })
})
