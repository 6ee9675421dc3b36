import { aggregateOf, deadlineRules } from '../../src/commands/registry.ts'
import type { Position } from '../../src/events/identifiers.ts'
import type { Archive } from '../../src/events/log/archive/archive.ts'
import { logKeys } from '../../src/events/log/keys.ts'
import { restore, type Restored } from '../../src/events/log/restore/restore.ts'
import { serverOf } from '../../src/platform/redis/cluster.ts'
import type { TestCouncil } from './council.ts'

/** Everything that Redis holds of a council. Equal snapshots mean equal logs and derived data. */
export type Snapshot = {
  entries: unknown
  /** The metadata of the stream. */
  stream: { lastId: unknown; entriesAdded: unknown; maxDeletedId: unknown }
  meta: Record<string, string>
  states: Record<string, string>
  /** The hashes of all hours, by key. */
  commands: Record<string, Record<string, string>>
  finished: Record<string, Record<string, string>>
  /** Alternating streams and times. */
  deadlines: string[]
  /** Without entry ids, which change in a restore. */
  jobs: string[][]
}

export async function snapshotOf({ redis, keys, councilId }: TestCouncil): Promise<Snapshot> {
  const hashes = async (kind: string) => {
    const found = (await keysOf(redis, councilId))
      .filter((key) => key.startsWith(`council:{${councilId}}:${kind}:`))
      .toSorted()
    return Object.fromEntries(await Promise.all(found.map(async (key) => [key, await redis.hgetall(key)] as const)))
  }
  const info = (await redis.exists(keys.log)) > 0 ? ((await redis.xinfo('STREAM', keys.log)) as unknown[]) : []
  const about = (name: string) => info[info.indexOf(name) + 1]
  return {
    entries: await redis.xrange(keys.log, '-', '+'),
    stream: {
      lastId: about('last-generated-id'),
      entriesAdded: about('entries-added'),
      maxDeletedId: about('max-deleted-entry-id'),
    },
    meta: await redis.hgetall(keys.meta),
    states: await redis.hgetall(keys.states),
    commands: await hashes('commands'),
    finished: await hashes('finished'),
    deadlines: await redis.zrange(keys.deadlines, 0, '-1', 'WITHSCORES'),
    jobs: (await redis.xrange(keys.work, '-', '+')).map(([, fields]) => fields),
  }
}

async function keysOf(redis: TestCouncil['redis'], councilId: string): Promise<string[]> {
  const server = await serverOf(redis, logKeys(councilId).log)
  return server.keys(`council:{${councilId}}:*`)
}

/** FLUSHALL for one council. */
export async function loseEverything({ redis, councilId }: TestCouncil): Promise<void> {
  const keys = await keysOf(redis, councilId)
  if (keys.length > 0) await redis.del(...keys)
}

/** Removes the newest event of a log, as a failover to a replica that lacks it. */
export async function loseNewest({ redis, keys }: Pick<TestCouncil, 'redis' | 'keys'>): Promise<void> {
  const [newest] = await redis.xrevrange(keys.log, '+', '-', 'COUNT', 1)
  await redis
    .multi()
    .xdel(keys.log, newest?.[0] ?? '')
    .hincrby(keys.meta, 'sequence', -1)
    .exec()
}

/** Copies the keys of a council. Resolves with a function that restores them, as an older append-only file does. */
export async function backup(council: TestCouncil): Promise<() => Promise<void>> {
  const { redis, councilId } = council
  const kept = await Promise.all(
    (await keysOf(redis, councilId)).map(async (key) => ({ key, dump: await redis.dumpBuffer(key) })),
  )
  return async () => {
    await loseEverything(council)
    for (const { key, dump } of kept) await redis.restore(key, 0, dump)
  }
}

/** Restores a council from an archive, without a dry run by default. */
export const restoreFrom = (
  archive: Archive,
  { redis, keys, councilId }: TestCouncil,
  part: { dryRun?: boolean; onWritten?: () => void } = {},
): Promise<Restored> =>
  restore(
    { redis, keys, councilId, archive, foldOf: aggregateOf, deadlineRules },
    { dryRun: false, onProgress: () => undefined, signal: new AbortController().signal, ...part },
  )

/** Trims a log up to its nth event, after the archive has recorded the trim. */
export async function trim(
  { redis, keys }: TestCouncil,
  noteTrimmed: (trimmed: { sequence: number; position: Position }) => Promise<void>,
  n: number,
): Promise<void> {
  const entries = await redis.xrange(keys.log, '-', '+', 'COUNT', n + 1)
  const [last, next] = entries.slice(n - 1)
  await noteTrimmed({ sequence: n, position: last?.[0] as Position })
  if (next) await redis.xtrim(keys.log, 'MINID', next[0])
  else await redis.xtrim(keys.log, 'MAXLEN', 0)
}
