import { Writable } from 'node:stream'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { clockActionOf } from '../../../src/agents/scheduler/clock-actions.ts'
import { startScheduler, type Scheduler } from '../../../src/agents/scheduler/scheduler.ts'
import { account } from '../../../src/commands/aggregates/account.ts'
import { budget } from '../../../src/commands/aggregates/budget.ts'
import { defineCommand } from '../../../src/commands/decider.ts'
import { createGate, type CommandGate } from '../../../src/commands/gate/gate.ts'
import { aggregateOf, areas } from '../../../src/commands/registry.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { BudgetStream, type BudgetEvent } from '../../../src/events/budget.ts'
import { zonedDay } from '../../../src/events/day.ts'
import { Principal, StreamName, type Uuid7 } from '../../../src/events/identifiers.ts'
import type { EventLog } from '../../../src/events/log/log.ts'
import { councilScope } from '../../../src/events/policy.ts'
import { createLogger, silentLogger } from '../../../src/platform/logger.ts'
import { idAt } from '../../support/council.ts'
import { as, outcomeOf } from '../../support/governed.ts'
import { memoryServer, type MemoryServer } from '../../support/memory-log/memory-log.ts'
import { credited, opened, reserved } from '../../support/treasury.ts'

const hourMs = 3_600_000
const windowMs = 24 * hourMs
const start = Date.parse('2026-11-23T12:00:00.000Z')

/** The log and the time of a test. Time passes only in `passes`; schedulers sleep until then. */
let nowMs: number
let server: MemoryServer
let sleepers: { untilMs: number; wake: () => void }[]
let running: number
beforeEach(() => {
  nowMs = start
  server = memoryServer({ nowMs: () => nowMs })
  sleepers = []
  running = 0
})

const newId = (): Uuid7 => idAt(nowMs)
const clock = { nowMs: () => nowMs }
type Process = { log: EventLog; gate: CommandGate; requests: string[] }

/** One process of the council; `change` replaces a part of its log. */
function openProcess(change: (log: EventLog) => Partial<EventLog> = () => ({})): Process {
  const requests: string[] = []
  const opened = server.open((request, serve) => {
    requests.push(request)
    return Promise.resolve(serve())
  })
  const log = { ...opened, ...change(opened) }
  return {
    log,
    requests,
    gate: createGate({ log, clock, newId, pause: () => Promise.resolve(), logger: silentLogger }),
  }
}

/** Starts a scheduler; it stops with the test. */
function schedule(
  { log, gate }: Process,
  holder = 'first',
  logger = silentLogger,
): Scheduler & { stop: () => Promise<void> } {
  const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const sleeper = { untilMs: nowMs + ms, wake: () => resolve() }
      sleepers.push(sleeper)
      signal.addEventListener('abort', () => {
        sleepers = sleepers.filter((other) => other !== sleeper)
        resolve()
      })
    })
  running++
  const completeIndex = () => Promise.resolve()
  const scheduler = startScheduler(
    { log, gate, aggregateOf, completeIndex, clock, newId, sleep, logger },
    { holder, leaseMs: 10_000 },
  )
  let isStopped = false
  const stop = async () => {
    if (!isStopped) running--
    isStopped = true
    await scheduler.stop()
  }
  onTestFinished(stop)
  return { ...scheduler, stop }
}

/** Until every scheduler sleeps. */
async function idle(): Promise<void> {
  while (sleepers.length < running) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets time pass, from one sleeper to the next. */
async function passes(untilMs: number): Promise<void> {
  await idle()
  for (;;) {
    const next = sleepers.toSorted((left, right) => left.untilMs - right.untilMs)[0]
    if (!next || next.untilMs > untilMs) break
    nowMs = Math.max(nowMs, next.untilMs)
    sleepers = sleepers.filter((other) => other !== next)
    next.wake()
    await idle()
  }
  nowMs = untilMs
}

async function events(): Promise<AnyRecordedEvent[]> {
  const all: AnyRecordedEvent[] = []
  for await (const page of server.open().read()) all.push(...page)
  return all
}
const acted = async () =>
  (await events())
    .filter(({ metadata }) => metadata.actor === 'service:scheduler')
    .map(({ stream, type, metadata }) => ({ stream, type, at: metadata.occurredAt }))

/** Writes events to a stream as they are. */
const Write = defineCommand({ account, budget })({
  name: 'Write',
  schema: z.strictObject({ stream: StreamName, events: z.array(z.any()) }),
  reads: ({ stream }) => ({
    account: stream.startsWith('account/') ? (stream as StreamName<'account'>) : null,
    budget: stream.startsWith('budget/') ? (stream as StreamName<'budget'>) : null,
  }),
  decide: ({ stream, events: written }) => ({
    outcome: 'accepted',
    events: stream.startsWith('account/') ? { account: written } : { budget: written },
  }),
})
const write = (process: Process, stream: string, written: readonly object[]) =>
  process.gate.execute(Write, { stream, events: written }, { commandId: newId(), principal: Principal.parse('tester') })

/** An account with reservations that expire at these times. */
async function holding(process: Process, name: string, ...expiresAt: number[]): Promise<string> {
  const reservations = expiresAt.map((ms) => reserved(newId(), 1, new Date(ms).toISOString()))
  await write(process, `account/${name}`, [opened(name), credited(1_000), ...reservations])
  return `account/${name}`
}

/** A throttled budget of the day in which a time lies. */
async function throttled(
  process: Process,
  at: string,
  timeZone = 'UTC',
): Promise<{ stream: string; closesAt: string }> {
  const day = zonedDay(at, timeZone)
  const stream = BudgetStream.parse(`budget/council/${day.day}`)
  const terms = { dailyMicros: 10, softPercent: 80, onExceed: 'throttle' as const, timeZone }
  const data = { scope: councilScope, day: day.day, ...terms, opensAt: day.opensAt, closesAt: day.closesAt }
  const history: BudgetEvent[] = [
    { type: 'BudgetOpened', data },
    { type: 'ThrottleEngaged', data: { spentMicros: 8, softMicros: 8, dailyMicros: 10, until: day.closesAt } },
  ]
  await write(process, stream, history)
  return { stream, closesAt: day.closesAt }
}

test('every aggregate with deadlines has an action of the clock', () => {
  const withDeadlines = Object.values(areas)
    .flatMap(({ aggregates }) => aggregates)
    .filter((aggregate) => 'nextDeadlineMs' in aggregate)
  expect(withDeadlines.length).toBeGreaterThan(1)
  for (const { category } of withDeadlines) expect(clockActionOf(`${category}/x` as StreamName)).toBeDefined()
})

describe('the scheduler', () => {
  test('acts on each stream at its deadline, and sleeps in between', async () => {
    const process = openProcess()
    const ada = await holding(process, 'agent:ada', start + hourMs, start + 3 * hourMs)
    const scheduler = schedule(process)
    await passes(start + 10_000)
    nowMs = start + windowMs + hourMs - 30_000
    await passes(start + windowMs + hourMs)
    expect(await acted()).toEqual([])
    expect(scheduler.status()).toEqual({ state: 'acting', nextAt: '2026-11-24T13:00:00.001Z' })
    await passes(start + windowMs + hourMs + 30_000)
    nowMs = start + windowMs + 3 * hourMs - 30_000
    await passes(start + windowMs + 3 * hourMs + 30_000)
    expect(await acted()).toEqual([
      { stream: ada, type: 'ReservationExpired', at: '2026-11-24T13:00:00.001Z' },
      { stream: ada, type: 'ReservationExpired', at: '2026-11-24T15:00:00.001Z' },
    ])
    expect(scheduler.status()).toEqual({ state: 'acting', nextAt: null })
    // No busy loop: a look at the index a second, and a few around every action.
    const seconds = 130
    expect(process.requests.filter((request) => request === 'deadlines').length).toBeLessThan(1.5 * seconds)
  })

  test('notices an earlier deadline within a second', async () => {
    const process = openProcess()
    await holding(process, 'agent:ada', start + 5 * hourMs)
    schedule(process)
    await passes(start + 10_300)
    const lateMs = nowMs - windowMs
    const bob = await holding(process, 'agent:bob', lateMs)
    await passes(nowMs + 1_000)
    expect(await acted()).toMatchObject([{ stream: bob }])
  })

  test.each([
    ['23', '2027-03-28T10:00:00.000Z', '2027-03-28T22:00:00.000Z'],
    ['25', '2027-10-31T10:00:00.000Z', '2027-10-31T23:00:00.000Z'],
  ])('lifts the throttle of a day of %s hours in the instant in which the next day begins', async (_, at, closesAt) => {
    nowMs = Date.parse(at)
    const process = openProcess()
    const { stream } = await throttled(process, at, 'Europe/Berlin')
    nowMs = Date.parse(closesAt) - 30_000
    schedule(process)
    await passes(Date.parse(closesAt) + 30_000)
    expect(await acted()).toEqual([{ stream, type: 'ThrottleLifted', at: closesAt }])
  })

  test('catches up in order after a day without a scheduler', async () => {
    const process = openProcess()
    const { stream: day } = await throttled(process, '2026-11-23T12:00:00.000Z')
    // More than a page of streams, and more reservations than one action expires; the oldest deadline is written last.
    const late = await holding(process, 'reserve', ...Array.from({ length: 40 }, () => start + 2 * hourMs))
    const names = Array.from({ length: 150 }, (_, n) => `agent:a${n}`)
    for (const [n, name] of names.toReversed().entries())
      await holding(process, name, start + hourMs + (names.length - n) * 1_000)
    nowMs = start + 2 * windowMs
    schedule(process)
    await idle()
    const order = await acted()
    expect(order.every(({ at }) => at === '2026-11-25T12:00:00.000Z')).toBe(true)
    expect([...new Set(order.map(({ stream }) => stream))]).toEqual([
      day,
      ...names.map((name) => `account/${name}`),
      late,
    ])
    expect(order.filter(({ stream }) => stream === late)).toHaveLength(40)
    expect(await process.log.deadlines({ limit: 10 })).toEqual([])
  })

  test('corrects an index that says too early that something is due, and one of a stream that is gone', async () => {
    const process = openProcess()
    const ada = (await holding(process, 'agent:ada', start + hourMs)) as StreamName
    await process.log.correctDeadline({ stream: ada, revision: 3, deadlineMs: start })
    await process.log.correctDeadline({ stream: 'budget/council/2020-01-01' as StreamName, revision: 0, deadlineMs: 5 })
    schedule(process)
    await idle()
    expect(await acted()).toEqual([])
    expect(await process.log.deadlines({ limit: 10 })).toEqual([{ stream: ada, atMs: start + hourMs + windowMs + 1 }])
  })

  test('leaves a stream alone on which it cannot act, and acts on the others', async () => {
    const process = openProcess()
    const ada = await holding(process, 'agent:ada', start - windowMs)
    for (const stream of ['sample/of-nothing', 'account/not an account'] as StreamName[])
      await process.log.correctDeadline({ stream, revision: 0, deadlineMs: 5 })
    const scheduler = schedule(process)
    await passes(start + 50_000)
    expect(await acted()).toMatchObject([{ stream: ada }])
    expect(scheduler.status()).toEqual({ state: 'acting', nextAt: null })
    expect(process.requests.filter((request) => request === 'deadlines').length).toBeLessThan(80)
  })

  test('waits in silence for a freeze to end, and acts within a minute after it', async () => {
    const process = openProcess()
    const ada = as(process, 'ada')
    for (const name of ['external', 'reserve']) await ada('OpenAccount', { account: name }, newId())
    const funding = { transferId: 'f', from: 'external', to: 'reserve', amountMicros: 100, reason: 'funding' }
    await ada('TransferFunds', funding, newId())
    const bounty = { title: 'A map', task: 'Draw a map.', criteria: 'It is a map.', rewardMicros: 10, bonusMicros: 0 }
    const deadline = new Date(nowMs + hourMs).toISOString()
    expect(outcomeOf(await ada('OpenBounty', { ...bounty, deadline }, newId()))).toBe('appended')
    await ada('FreezeTreasury', { reason: 'an incident' }, newId())
    const lines: string[] = []
    const sink = new Writable({ write: (line, _, done) => done(void lines.push(String(line))) })
    schedule(process, 'first', createLogger('warn', { stream: sink }))
    await passes(start + 2 * hourMs)
    expect(await acted()).toEqual([])
    await ada('UnfreezeTreasury', { reason: 'it is over' }, newId())
    await passes(start + 2 * hourMs + 61_000)
    expect((await acted()).map(({ type }) => type)).toContain('BountyExpired')
    expect(lines).toEqual([])
  })

  test('stops acting on a stream whose command never moves its deadline', async () => {
    const process = openProcess()
    await process.log.correctDeadline({ stream: 'account/agent:ada' as StreamName, revision: 0, deadlineMs: 5 })
    let actions = 0
    const execute: CommandGate['execute'] = () => {
      actions++
      return Promise.resolve({ result: 'appended', position: null, events: [] })
    }
    schedule({ ...process, gate: { ...process.gate, execute } })
    await passes(start + 30_000)
    expect(actions).toBe(101)
  })

  test('goes on when the log answers again', async () => {
    let isAway = true
    const process = openProcess((log) => ({
      deadlines: (page) => (isAway ? Promise.reject(new Error('no connection')) : log.deadlines(page)),
    }))
    const ada = await holding(process, 'agent:ada', start - windowMs)
    const scheduler = schedule(process)
    await passes(start + 5_000)
    expect(scheduler.status()).toEqual({ state: 'failing', message: 'no connection' })
    isAway = false
    await passes(start + 10_000)
    expect(await acted()).toMatchObject([{ stream: ada }])
  })
})

describe('two schedulers', () => {
  test('take turns: the second acts once the first has stopped, or has been silent for the length of the lease', async () => {
    const [first, second] = [openProcess(), openProcess()]
    const one = schedule(first, 'one')
    await idle()
    const other = schedule(second, 'other')
    await passes(start + 60_000)
    expect(one.status()).toMatchObject({ state: 'acting' })
    expect(other.status()).toEqual({ state: 'waiting', by: 'one' })
    await one.stop()
    await passes(start + 70_000)
    expect(other.status()).toMatchObject({ state: 'acting' })
    const again = schedule(openProcess(), 'again')
    await passes(start + 80_000)
    expect(again.status()).toEqual({ state: 'waiting', by: 'other' })
  })

  test('never act both: one that slept through its lease is fenced, and waits', async () => {
    const [first, second] = [openProcess(), openProcess()]
    const ada = await holding(first, 'agent:ada', start + hourMs)
    const one = schedule(first, 'one')
    await idle()
    // The first process is stopped: its sleep lasts, while time passes for the second one.
    const [frozen] = sleepers.splice(0)
    running--
    nowMs = start + windowMs + hourMs
    const other = schedule(second, 'other')
    await passes(nowMs + 30_000)
    expect(await acted()).toMatchObject([{ stream: ada }])
    expect(other.status()).toMatchObject({ state: 'acting' })
    running++
    frozen?.wake()
    await passes(nowMs + 20_000)
    expect(one.status()).toEqual({ state: 'waiting', by: 'other' })
    expect(await acted()).toHaveLength(1)
  })
})
