import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { comparePositions, type Position, type StreamName } from '../../../../src/events/identifiers.ts'
import type { Archive } from '../../../../src/events/log/archive/archive.ts'
import type { ReadOptions } from '../../../../src/events/log/log.ts'
import { hotLog, type HotLog } from '../../../../src/events/log/read/hot-log.ts'
import { followTiered, readTiered } from '../../../../src/events/log/read/tiered-read.ts'
import { archiveLog, councilWithArchive } from '../../../support/archived-council.ts'
import { storedLogOf } from '../../../support/stored-log.ts'
import type { TestCouncil } from '../../../support/council.ts'
import { databaseKinds } from '../../../support/databases.ts'
import { answeredPrompt, eventsOfPrompts, eventsPerPrompt } from '../../../support/history.ts'
import { suiteDatabase } from '../../../support/lifetimes.ts'
import { redisUrl } from '../../../support/shared-servers.ts'

type Seen = { sequence: number; position: Position; stream: StreamName; type: string }

/** The events of a log that is never trimmed. */
function reference(
  events: readonly Seen[],
  { after, upTo, streams, types, limit = Infinity, direction }: ReadOptions,
): number[] {
  const selected = events
    .filter(
      ({ position }) =>
        (!after || comparePositions(position, after) > 0) && (!upTo || comparePositions(position, upTo) <= 0),
    )
    .filter(({ stream, type }) => (!streams || streams.includes(stream)) && (!types || types.includes(type)))
    .map(({ sequence }) => sequence)
  return (direction === 'backward' ? selected.toReversed() : selected).slice(0, limit)
}

async function sequencesOf(pages: AsyncGenerator<Seen[]>): Promise<number[]> {
  const sequences: number[] = []
  for await (const page of pages) sequences.push(...page.map(({ sequence }) => sequence))
  return sequences
}

describe.each(databaseKinds)('a log over its archive in $kind and Redis', async ({ open }) => {
  const db = await suiteDatabase(open)
  let council: TestCouncil
  let stored: Archive
  let events: Seen[]
  const archivedPrompts = 4
  const archivedEvents = eventsOfPrompts(archivedPrompts)
  /** The whole log on Redis; every run trims it anew. */
  let whole: string
  beforeEach(async () => {
    ;({ council, stored } = await councilWithArchive(db))
    for (let i = 0; i < archivedPrompts; i++) await answeredPrompt(council)
    await archiveLog(council, redisUrl, db)
    // Events that are newer than the archive.
    await answeredPrompt(council)
    events = await council.events()
    whole = `${council.keys.log}:whole`
    await council.redis.copy(council.keys.log, whole)
  })

  const trimTo = (sequence: number) => council.redis.xtrim(council.keys.log, 'MINID', '=', events[sequence]!.position)
  const untrimmed = () => council.redis.copy(whole, council.keys.log, 'REPLACE')

  /** A Redis that may be trimmed of archived events between any two requests. */
  const trimmedBetweenRequests = (trims: readonly number[], size: number): HotLog => {
    const hot = hotLog(council.redis, council.keys, size)
    const left = [...trims]
    const trimFirst = async <Result>(ask: () => Promise<Result>): Promise<Result> => {
      const next = left.shift()
      if (next !== undefined) await trimTo(next)
      return ask()
    }
    return { pageSize: size, page: (range) => trimFirst(() => hot.page(range)), edge: () => trimFirst(hot.edge) }
  }

  /** Positions of events, next to them, and far away. */
  const position = () =>
    fc.oneof(
      fc.integer({ min: 0, max: events.length - 1 }).map((index) => events[index]!.position),
      fc
        .integer({ min: 0, max: events.length - 1 })
        .map((index) => `${Number(events[index]!.position.split('-')[0]) - 1}-7` as Position),
      fc.constantFrom('0-0' as Position, '999999999999999-0' as Position),
    )
  const trims = fc.array(fc.integer({ min: 0, max: archivedEvents }), { maxLength: 12 })
  const range = () =>
    fc.record(
      {
        after: position(),
        upTo: position(),
        direction: fc.constantFrom('forward' as const, 'backward' as const),
        limit: fc.integer({ min: 0, max: 50 }),
        streams: fc.subarray([...new Set(events.map(({ stream }) => stream))]),
        types: fc.subarray([...new Set(events.map(({ type }) => type))]),
      },
      { requiredKeys: [] },
    )

  test('reads as if Redis were never trimmed, with trims between any two pages', async () => {
    await fc.assert(
      fc.asyncProperty(range(), trims, fc.integer({ min: 1, max: 9 }), async (options, trimmedTo, size) => {
        await untrimmed()
        expect(await sequencesOf(readTiered(trimmedBetweenRequests(trimmedTo, size), stored, options))).toEqual(
          reference(events, options),
        )
      }),
      { numRuns: 150 },
    )
  }, 60_000)

  test('is followed from any position as if Redis were never trimmed', async () => {
    await fc.assert(
      fc.asyncProperty(position(), trims, fc.integer({ min: 1, max: 9 }), async (after, trimmedTo, size) => {
        await untrimmed()
        const hot = trimmedBetweenRequests(trimmedTo, size)
        const newer = async function* (from: Position) {
          for (let last = from; ;) {
            const page = await hot.page({ after: last })
            if (page.length === 0) return
            last = page.at(-1)!.position
            yield page
          }
        }
        const followed = await sequencesOf(followTiered(hot, stored, newer, after))
        expect(followed).toEqual(reference(events, { after }))
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  test('continues from a trimmed position with new events', async () => {
    await trimTo(archivedEvents)
    const abort = new AbortController()
    const last = archivedEvents + 2 * eventsPerPrompt
    const seen: number[] = []
    const following = (async () => {
      for await (const page of storedLogOf(council, redisUrl, stored).followStored(events[4]!.position, abort.signal)) {
        seen.push(...page.map(({ sequence }) => sequence))
        if (seen.at(-1) === last) abort.abort()
      }
    })()
    await answeredPrompt(council)
    await following
    expect(seen).toEqual(Array.from({ length: last - 5 }, (_, index) => index + 6))
  })

  test('without an archive reports trimmed events instead of skipping them', async () => {
    await trimTo(10)
    const hotOnly = storedLogOf(council, redisUrl)
    for (const pages of [
      hotOnly.readStored(),
      hotOnly.readStored({ direction: 'backward' }),
      hotOnly.followStored(events[2]!.position, new AbortController().signal),
    ])
      await expect(sequencesOf(pages)).rejects.toMatchObject({ code: 'log_trimmed' })
    const remaining = hotOnly.readStored({ after: events[20]!.position, upTo: events[23]!.position })
    expect(await sequencesOf(remaining)).toEqual([22, 23, 24])
  })

  test.each([
    [
      'ends before',
      async () => council.redis.xtrim(council.keys.log, 'MINID', '=', events[archivedEvents + 4]!.position),
    ],
    [
      'is of another log than',
      async () => (await trimTo(10), council.redis.hset(council.keys.meta, 'incarnation', 'another')),
    ],
  ])('reports trimmed events if the archive %s them', async (_, spoil) => {
    await spoil()
    await expect(sequencesOf(storedLogOf(council, redisUrl, stored).readStored())).rejects.toMatchObject({
      code: 'log_trimmed',
    })
  })
})
