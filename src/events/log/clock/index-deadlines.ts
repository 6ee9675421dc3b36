import { readFileSync } from 'node:fs'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import type { StreamName } from '../../identifiers.ts'
import { parseState, scanStates } from '../append/stored-states.ts'
import { deadlineOf, foldStreams, type FoldOf } from '../folds.ts'
import { logReplaced } from '../integrity/log-stopped.ts'
import type { GuardedWrite } from '../integrity/write-guard.ts'
import type { LogKeys } from '../keys.ts'
import type { DeadlineAtRevision, LogReader } from '../log.ts'
import { scanDeadlines } from './read-deadlines.ts'

type IndexedLog = { redis: RedisClient; write: GuardedWrite; keys: LogKeys; incarnation: string }

export type IndexOptions = IndexedLog & {
  read: LogReader['read']
  foldOf: FoldOf
  /** The aggregates that have deadlines, with their versions: an index made under other rules is made again. */
  rules: string
}

const script = readFileSync(new URL('index-deadlines.lua', import.meta.url), 'utf8')

/**
 * Indexes the deadlines of all stored states, unless that was done under these rules before: a log from before the index, or from
 * before an aggregate had deadlines, has states that no append has indexed. Reads the states in pages; appends continue meanwhile.
 * Returns the number of states that it looked at, 0 for a complete index. Throws LogStopped `log_replaced`.
 */
export async function indexDeadlines(options: IndexOptions): Promise<number> {
  const { redis, keys, foldOf, rules } = options
  if ((await redis.hget(keys.meta, 'deadlines')) === rules) return 0
  let looked = 0
  for await (const page of scanStates(redis, keys)) {
    await index(options, await deadlinesIn(options, page))
    looked += page.length
  }
  for await (const page of scanDeadlines(redis, keys)) {
    const without = page.filter(({ stream }) => !foldOf(stream)?.nextDeadlineMs)
    const stored = await Promise.all(without.map(({ stream }) => redis.hget(keys.states, stream)))
    const surplus = without.map(({ stream }, at) => ({ stream, revision: revisionIn(stored[at]), deadlineMs: null }))
    // A stream without a state has finished, or belongs to a log that was here before.
    const gone = page.map(({ stream }) => ({ stream, revision: 0, deadlineMs: null }))
    await index(options, [...surplus, ...gone])
  }
  await index(options, [], rules)
  return looked
}

/** Corrects the index for one stream, unless an append has changed the stream since. Throws LogStopped `log_replaced`. */
export const correctDeadline = (log: IndexedLog, deadline: DeadlineAtRevision): Promise<void> => index(log, [deadline])

async function index(
  { redis, write, keys, incarnation }: IndexedLog,
  deadlines: readonly DeadlineAtRevision[],
  completeUnder = '',
): Promise<void> {
  const fields = deadlines.flatMap(({ stream, revision, deadlineMs }) => [stream, revision, deadlineMs ?? ''])
  const [outcome, found] = (await write(() =>
    redis.eval(script, 3, keys.meta, keys.states, keys.deadlines, incarnation, completeUnder, ...fields),
  )) as string[]
  if (outcome === 'wrong_log') throw logReplaced(found ?? '')
}

/** The deadlines of a page of stored states. A state of another version is folded again from the log. */
async function deadlinesIn(
  { foldOf, read }: IndexOptions,
  page: readonly [stream: StreamName, stored: string][],
): Promise<DeadlineAtRevision[]> {
  const deadlines: DeadlineAtRevision[] = []
  const ofOtherVersion: StreamName[] = []
  for (const [stream, text] of page) {
    const fold = foldOf(stream)
    const stored = parseState(stream, text)
    if (!fold?.nextDeadlineMs || stored.status !== 'live') continue
    const { revision, stateVersion, state } = stored
    if (stateVersion !== fold.stateVersion) ofOtherVersion.push(stream)
    else deadlines.push({ stream, revision, deadlineMs: deadlineOf({ fold, state: JSON.parse(state) }) })
  }
  if (ofOtherVersion.length === 0) return deadlines
  const folds = foldStreams(foldOf)
  for await (const events of read({ streams: ofOtherVersion })) for (const event of events) folds.take(event)
  for (const [stream, live] of folds.live)
    deadlines.push({ stream, revision: live.revision, deadlineMs: deadlineOf(live) })
  return deadlines
}

const revisionIn = (stored: string | null | undefined): number => Number.parseInt(stored ?? '0', 10)
