import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Principal } from '../../../src/events/identifiers.ts'
import { chatStream } from '../../../src/events/chat.ts'
import { accountStream } from '../../../src/events/account.ts'
import { account } from '../../../src/commands/aggregates/account.ts'
import { chat } from '../../../src/commands/aggregates/chat.ts'
import { defineCommand } from '../../../src/commands/decider.ts'
import { createGate, type CommandGate } from '../../../src/commands/gate/gate.ts'
import type { CommandResult } from '../../../src/commands/gate/types.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { StartAttempt } from '../../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import type { AppendRequest, EventLog } from '../../../src/events/log/log.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { newId } from '../../support/council.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { id } from '../../support/treasury.ts'

const council = await suiteCouncil()
for (const name of ['external', 'reserve', 'agent:ada']) await council.execute(OpenAccount, { account: id(name) })

const amountMicros = 5
const transfer = (from = 'external', to = 'reserve') => ({
  transferId: newId(),
  from: id(from),
  to: id(to),
  amountMicros,
  reason: 'story',
})
const context = (commandId = newId()) => ({ commandId, principal: Principal.parse('tester') })
/** This many transfers at once. */
const transfers = (gate: CommandGate, count: number) =>
  Array.from({ length: count }, () => gate.execute(TransferFunds, transfer(), context()))
const resultsOf = async (asked: Promise<CommandResult>[]) => (await Promise.all(asked)).map(({ result }) => result)
const appended = (count: number) => Array.from({ length: count }, () => 'appended')

/** A gate whose nth append (from 1) goes through `nth[n]`; `decided` counts the events that it has made so far. */
function gateWith(
  nth: Record<number, (request: AppendRequest) => ReturnType<EventLog['append']>>,
  log: Partial<EventLog> = {},
) {
  const requests: AppendRequest[] = []
  const counted = { events: 0 }
  const makeId = () => {
    counted.events++
    return newId()
  }
  const append = (request: AppendRequest) =>
    (nth[requests.push(request)] ?? ((same) => council.log.append(same)))(request)
  const gate = createGate({
    log: { ...council.log, ...log, append },
    clock: systemClock,
    newId: makeId,
    pause: async () => undefined,
    logger: silentLogger,
  })
  return { gate, requests, counted }
}

const stateOf = async (name: string) => {
  const { state } = await council.gate.load(account, accountStream(id(name)))
  return state.status === 'absent' ? { balanceMicros: 0 } : state
}
const foldOf = async (name: string) =>
  (await council.events())
    .filter(({ stream }) => stream === accountStream(id(name)))
    .reduce((state, event) => account.evolve(state, event as never), account.initial)

/** An append whose answer waits for its release. */
function heldBack() {
  const [reached, held] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  const append = async (request: AppendRequest) => {
    const answer = await council.log.append(request)
    reached.resolve(undefined)
    await held.promise
    return answer
  }
  return { append, reached: reached.promise, letGo: () => held.resolve(undefined) }
}

describe('commands that wait while an append is in flight', () => {
  test('are decided on its result, sent after it, and run once each', async () => {
    const first = heldBack()
    const { gate, requests, counted } = gateWith({ 1: first.append })
    const { balanceMicros } = await stateOf('reserve')
    const before = gate.execute(TransferFunds, transfer(), context())
    await first.reached
    const rest = transfers(gate, 40)
    await new Promise(setImmediate)
    expect([requests.length, counted.events]).toEqual([2, 82])
    first.letGo()
    expect(await resultsOf([before, ...rest])).toEqual(appended(41))
    expect([requests.length, counted.events]).toEqual([2, 82])
    expect(await stateOf('reserve')).toMatchObject({ balanceMicros: balanceMicros + 41 * amountMicros })
    expect(await stateOf('reserve')).toEqual(await foldOf('reserve'))
  })

  test('wait if they are few or two appends are in flight', async () => {
    const [first, second] = [heldBack(), heldBack()]
    const { gate, requests } = gateWith({ 1: first.append, 2: second.append })
    const asked = transfers(gate, 1)
    await first.reached
    asked.push(...transfers(gate, 31))
    await new Promise(setImmediate)
    expect(requests.length).toBe(1)
    asked.push(...transfers(gate, 1))
    await second.reached
    asked.push(...transfers(gate, 200))
    await new Promise(setImmediate)
    expect(requests.length).toBe(2)
    first.letGo()
    second.letGo()
    expect(await resultsOf(asked)).toEqual(appended(233))
  })

  test('are decided again if it was not applied, even if another gate reached the same revisions', async () => {
    const others = Promise.withResolvers<undefined>()
    const { gate, requests } = gateWith({
      1: async (request) => {
        // Two events, as in the append that is in flight, but the other way round.
        await council.execute(TransferFunds, transfer('reserve', 'external'))
        others.resolve(undefined)
        return council.log.append(request)
      },
      2: async (request) => {
        await others.promise
        return council.log.append(request)
      },
    })
    await council.execute(TransferFunds, transfer())
    const { balanceMicros } = await stateOf('reserve')
    expect(await resultsOf(transfers(gate, 100))).toEqual(appended(100))
    expect(requests[1]?.reads.filter(({ state }) => state).map(({ stream }) => stream)).toEqual([
      accountStream(id('external')),
      accountStream(id('reserve')),
    ])
    expect(await stateOf('reserve')).toMatchObject({ balanceMicros: balanceMicros + 99 * amountMicros })
    for (const name of ['reserve', 'external']) expect(await stateOf(name)).toEqual(await foldOf(name))
  })

  test('get the error of a decision only if the states it was based on came about', async () => {
    await council.execute(TransferFunds, transfer())
    const { balanceMicros } = await stateOf('reserve')
    const Fragile = defineCommand({ account })({
      name: 'Fragile',
      schema: z.strictObject({}),
      reads: () => ({ account: accountStream(id('reserve')) }),
      decide: (_, { account: state }) => {
        if (state.status !== 'absent' && state.balanceMicros > balanceMicros)
          throw new Error('more than there ever was')
        return { outcome: 'accepted', events: {} }
      },
    })
    const { gate, requests } = gateWith({
      1: async (request) => {
        await council.execute(TransferFunds, transfer('reserve', 'external'))
        return council.log.append(request)
      },
    })
    const first = gate.execute(TransferFunds, transfer(), context())
    const rest = Array.from({ length: 40 }, () => gate.execute(Fragile, {}, context()))
    expect(await resultsOf([first, ...rest])).toEqual(appended(41))
    expect(requests.length).toBeGreaterThan(2)
    await council.execute(TransferFunds, transfer())
    await expect(gate.execute(Fragile, {}, context())).rejects.toThrow('more than there ever was')
  })

  test('run once each if the answer to the previous append was lost', async () => {
    const { gate } = gateWith({
      1: async (request) => {
        await council.log.append(request)
        throw new Error('the connection was lost')
      },
    })
    const { balanceMicros } = await stateOf('reserve')
    expect(await resultsOf(transfers(gate, 100))).toEqual(['duplicate', ...appended(99)])
    expect(await stateOf('reserve')).toMatchObject({ balanceMicros: balanceMicros + 100 * amountMicros })
    expect(await stateOf('reserve')).toEqual(await foldOf('reserve'))
  })

  test('run although an earlier answer could not be read', async () => {
    const known = newId()
    await council.execute(SubmitPrompt, { requestId: known, text: 'Why?' }, known)
    let failures = 1
    const { gate } = gateWith({}, { read: (options) => (failures-- > 0 ? failing() : council.log.read(options)) })
    const repeated = gate.execute(SubmitPrompt, { requestId: known, text: 'Why?' }, context(known))
    expect(await resultsOf([repeated, ...transfers(gate, 100)])).toEqual(['duplicate', ...appended(100)])
  })
})

async function* failing(): AsyncGenerator<never> {
  yield* []
  throw new Error('the connection was lost')
}

describe('a gate that has seen only new streams', () => {
  test('appends without a read, and still finds existing streams', async () => {
    let loads = 0
    const { gate } = gateWith({}, { loadStates: (streams) => (loads++, council.log.loadStates(streams)) })
    const submit = (requestId = newId()) => gate.execute(SubmitPrompt, { requestId, text: 'Why?' }, context(requestId))
    for (let n = 0; n < 3; n++) expect(await submit()).toMatchObject({ result: 'appended' })
    expect(loads).toBe(1)

    const requestId = newId()
    await council.execute(SubmitPrompt, { requestId, text: 'Why?' }, requestId)
    expect(await gate.execute(SubmitPrompt, { requestId, text: 'Why?' }, context())).toEqual({
      result: 'refused',
      code: 'prompt_exists',
    })
    expect(await gate.execute(StartAttempt, { requestId, attempt: 1, worker: 'w' }, context())).toMatchObject({
      result: 'appended',
      events: [{ stream: chatStream(requestId), revision: 2 }],
    })
    expect((await council.gate.load(chat, chatStream(requestId))).revision).toBe(2)
  })
})
