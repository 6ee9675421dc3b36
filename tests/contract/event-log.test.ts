import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AppendResult } from '../../src/events/log/log.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { loseNewest } from '../support/lost.ts'
import { memoryServer } from '../support/memory-log/memory-log.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { appendSteps, outcomeOf, requestOf, someStreams, type Attempt } from './event-log-sequences.ts'
import { eventLogContract } from './event-log.ts'
import { everythingIn, type LogSubject } from './log-subject.ts'

async function onRedis(): Promise<LogSubject> {
  const councilId = freshCouncilId()
  const councils: TestCouncil[] = []
  const open = async () => {
    const council = await openTestCouncil(redisUrl, councilId)
    councils.push(council)
    return council
  }
  const council = await open()
  const { redis, keys } = council
  return {
    open: async () => (await open()).log,
    async jobs() {
      const entries = await redis.xrange(keys.work, '-', '+')
      return entries.map(([entry, [, kind = '', , stream = '', , position = '']]) => ({
        entry,
        kind,
        stream,
        position,
      }))
    },
    another: onRedis,
    loseNewest: () => loseNewest(council),
    replace: async () => void (await redis.hset(keys.meta, 'incarnation', newId())),
    halt: async () => void (await redis.hset(keys.meta, 'halted', 'a test')),
    close: () => {
      for (const council of councils) council.close()
    },
  }
}

async function inMemory(): Promise<LogSubject> {
  // Small pages, so that reads cross page boundaries.
  const server = memoryServer(systemClock, { pageSize: 3 })
  const moments = [server.moment()]
  return {
    open: async () => {
      const log = server.open()
      return {
        ...log,
        async append(request) {
          moments.push(server.moment())
          return log.append(request)
        },
      }
    },
    jobs: async () => [...server.jobs()],
    another: inMemory,
    loseNewest: async () => server.become(moments.findLast(({ sequence }) => sequence < server.sequence())!),
    replace: async () => server.replace(newId()),
    halt: async () => server.halt('a test'),
    close: () => undefined,
  }
}

eventLogContract('a log on Redis', onRedis)
eventLogContract('a log in memory', inMemory)

test('a log in memory and one on Redis give the same results for any batches of commands', async () => {
  const councils = [await onRedis(), await inMemory()] as const
  const [redis, memory] = [await councils[0].open(), await councils[1].open()]
  await fc.assert(
    fc.asyncProperty(appendSteps, async (steps) => {
      const streams = someStreams()
      const ids = [newId(), newId(), newId()]
      for (const step of steps) {
        const states = await redis.loadStates(streams)
        expect(await memory.loadStates(streams)).toEqual(states)
        const request = requestOf(step, streams, ids, states)
        const results = [await outcomeOf(redis, request), await outcomeOf(memory, request)] as const
        const order = [await everythingIn(redis), await everythingIn(memory)].map(
          (events) => new Map(events.map(({ position, sequence }) => [position, sequence])),
        )
        expect(comparable(results[1], order[1]!)).toEqual(comparable(results[0], order[0]!))
      }
      expect(await memory.deadlines({ limit: 1_000 })).toEqual(await redis.deadlines({ limit: 1_000 }))
      const [onRedisNow, inMemoryNow] = [await councils[0].jobs(), await councils[1].jobs()]
      expect(inMemoryNow.map(({ kind, stream }) => ({ kind, stream }))).toEqual(
        onRedisNow.map(({ kind, stream }) => ({ kind, stream })),
      )
      const withoutPositions = (events: Awaited<ReturnType<typeof everythingIn>>) =>
        events.map(({ position: _, ...event }) => event)
      expect(withoutPositions(await everythingIn(memory))).toEqual(withoutPositions(await everythingIn(redis)))
    }),
    { numRuns: 60 },
  )
  councils[0].close()
}, 60_000)

/** A result with sequences instead of positions, which differ between logs. */
function comparable(result: Attempt['result'], order: ReadonlyMap<string, number>): Attempt['result'] | object {
  if ('thrown' in result) return result
  const at = (position: string) => order.get(position)
  switch (result.result) {
    case 'appended':
      return { ...result, positions: result.positions.map(at) }
    case 'duplicate':
      return {
        ...result,
        known: result.known.map((command) => ({ ...command, first: at(command.first), last: at(command.last) })),
      }
    case 'conflict':
    case 'stale_ids':
    case 'fenced':
      return result satisfies AppendResult
    default:
      return result satisfies never
  }
}
