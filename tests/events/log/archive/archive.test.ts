import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { postgresArchive, type Archive, type ArchivedEvent } from '../../../../src/events/log/archive/archive.ts'
import { chainStart, extendChain } from '../../../../src/events/log/archive/chain.ts'
import type { StoredEvent } from '../../../../src/events/log/read/stored-event.ts'
import type { Position, StreamName } from '../../../../src/events/identifiers.ts'
import { migrate } from '../../../../src/projections/engine/migrate.ts'
import { databaseKinds } from '../../../support/databases.ts'
import { suiteDatabase } from '../../../support/lifetimes.ts'

const identity = { councilId: 'main', incarnation: 'first' }

/** The nth event of a story, at `<n>-<n>`. */
const event = (n: number, part: Partial<StoredEvent> = {}): StoredEvent => ({
  position: `${n}-${n}` as Position,
  sequence: n,
  stream: 'chat/a' as StreamName,
  revision: n,
  type: n % 2 ? 'Odd' : 'Even',
  version: 1,
  data: `{"text":"${n} \\u0000 € \\ud800"}`,
  metadata: '{}',
  mac: 'key.code',
  ...part,
})

function chained(events: readonly StoredEvent[], from = chainStart(identity)): ArchivedEvent[] {
  let head = from
  return events.map((stored) => ({ ...stored, chainHead: (head = extendChain(head, stored)) }))
}

const first = (count: number) => Array.from({ length: count }, (_, index) => event(index + 1))

describe.each(databaseKinds)('the archive in $kind', async ({ open }) => {
  const database = await suiteDatabase(open)
  let archive: Archive
  beforeEach(async () => {
    await database.empty()
    await migrate(database.postgres)
    archive = postgresArchive(database.postgres)
  })

  const read = async (options?: Parameters<Archive['read']>[0]) => {
    const events = []
    for await (const page of archive.read(options)) events.push(...page)
    return events
  }

  test('is empty before the first event', async () => {
    expect(await archive.checkpoint()).toBeNull()
    expect(await read()).toEqual([])
  })

  test('returns the exact texts with their chain heads', async () => {
    const events = chained(first(5))
    expect(await archive.add(null, identity, events)).toBe(true)
    expect(await read()).toEqual(events)
    expect(await archive.checkpoint()).toEqual({
      ...identity,
      sequence: 5,
      position: '5-5',
      chainHead: events[4]?.chainHead,
      trimmed: { sequence: 0, position: '0-0' },
    })
  })

  test('reads across pages, between positions, by stream and type, and backward', async () => {
    await archive.add(null, identity, chained(first(2_500)))
    const sequences = async (options: Parameters<Archive['read']>[0]) =>
      (await read(options)).map(({ sequence }) => sequence)
    const all = first(2_500).map(({ sequence }) => sequence)
    const between = (after: string, upTo: string) => ({ after: after as Position, upTo: upTo as Position })
    expect(await sequences({})).toEqual(all)
    expect(await sequences({ direction: 'backward' })).toEqual(all.toReversed())
    expect(await sequences(between('9-0', '11-18446744073709551615'))).toEqual([9, 10, 11])
    expect(await sequences({ ...between('9-9', '12-0'), direction: 'backward' })).toEqual([11, 10])
    expect(await sequences({ types: ['Even'], limit: 2 })).toEqual([2, 4])
    expect(await sequences({ streams: ['chat/b' as StreamName] })).toEqual([])
  })

  test('is extended by only one of two writers with the same checkpoint', async () => {
    const [one, two, three] = chained(first(3))
    expect(await archive.add(null, identity, [one!])).toBe(true)
    expect(await archive.add(null, identity, [one!])).toBe(false)
    const checkpoint = await archive.checkpoint()
    expect(await archive.add(checkpoint, identity, [two!])).toBe(true)
    expect(await archive.add(checkpoint, identity, [two!, three!])).toBe(false)
    expect(await read()).toEqual([one, two])
  })

  test('rejects events of another log', async () => {
    const [one, two] = chained(first(2))
    await archive.add(null, identity, [one!])
    expect(await archive.add(await archive.checkpoint(), { ...identity, incarnation: 'second' }, [two!])).toBe(false)
  })

  test.each([
    ['position', { sequence: 2, revision: 2 }],
    ['revision of a stream', { sequence: 2, position: '2-2' as Position }],
    ['sequence', { position: '2-2' as Position, revision: 2 }],
  ])('refuses a batch that has a second event with a known %s', async (_, part) => {
    await archive.add(null, identity, chained([event(1)]))
    const [twin] = chained([event(1, part)])
    await expect(archive.add(await archive.checkpoint(), identity, [twin!])).rejects.toMatchObject({ code: '23505' })
    expect(await read()).toHaveLength(1)
    expect(await archive.checkpoint()).toMatchObject({ sequence: 1 })
  })

  test('records the trim of Redis, which never goes back', async () => {
    await archive.add(null, identity, chained(first(3)))
    await archive.noteTrimmed({ sequence: 2, position: '2-2' as Position })
    await archive.noteTrimmed({ sequence: 1, position: '1-1' as Position })
    expect(await archive.checkpoint()).toMatchObject({ trimmed: { sequence: 2, position: '2-2' } })
  })
})

describe('the chain', () => {
  test('differs for another log, field or order of events', () => {
    const heads = [
      chained(first(2), chainStart({ ...identity, councilId: 'other' })),
      chained(first(2), chainStart({ ...identity, incarnation: 'second' })),
      chained(first(2)),
      chained([event(2), event(1)]),
      ...(['position', 'stream', 'type', 'data', 'metadata', 'mac'] as const).map((field) =>
        chained([event(1), event(2, { [field]: 'x' })]),
      ),
      ...(['sequence', 'revision', 'version'] as const).map((field) => chained([event(1), event(2, { [field]: 77 })])),
    ].map((events) => events.at(-1)?.chainHead.toString('hex'))
    expect(new Set(heads).size).toBe(heads.length)
  })

  test('does not confuse the end of one field with the beginning of the next', () => {
    const [one] = chained([event(1, { data: '{"a":1}', metadata: '{}' })])
    const [two] = chained([event(1, { data: '{"a":1}{', metadata: '}' })])
    expect(one?.chainHead).not.toEqual(two?.chainHead)
  })

  test('is SHA-256 over lengths and UTF-8, as documented', () => {
    const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
    const lengthPrefixed = (text: string) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(Buffer.byteLength(text))
      return Buffer.concat([length, Buffer.from(text)])
    }
    const start = sha256(...['hybrid-ai-council log chain 1', 'main', 'first'].map(lengthPrefixed))
    expect(chainStart(identity)).toEqual(start)
    const { position, stream, type, data, metadata, mac } = event(1, { data: '€'.repeat(100_000) })
    const fields = ['1', position, stream, '1', type, '1', data, metadata, mac].map(lengthPrefixed)
    expect(extendChain(start, event(1, { data }))).toEqual(sha256(start, ...fields))
  })
})
