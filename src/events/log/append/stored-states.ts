import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { streamTimeMs, type StreamName } from '../../identifiers.ts'
import type { LogKeys } from '../keys.ts'
import type { FoldedState, StoredState } from '../log.ts'

/** The stored states of streams: live, finished or absent. */
export async function loadStates(
  redis: RedisClient,
  keys: LogKeys,
  streams: readonly StreamName[],
): Promise<StoredState[]> {
  if (streams.length === 0) return []
  const stored = await redis.hmget(keys.states, ...streams)
  return Promise.all(
    streams.map(async (stream, index) => {
      const timeMs = streamTimeMs(stream)
      const live = stored[index] ?? null
      if (live !== null || timeMs === undefined) return parseState(stream, live)
      const revision = await redis.hget(keys.finished(timeMs), stream)
      return parseState(stream, revision === null ? null : `${revision}:finished`)
    }),
  )
}

const scanCount = 1_000

/** Every stored state as text, in pages. Redis may return a state twice. */
export async function* scanStates(
  redis: Pick<RedisClient, 'hscan'>,
  keys: LogKeys,
): AsyncGenerator<[stream: StreamName, stored: string][]> {
  let cursor = '0'
  do {
    const [next, flat] = await redis.hscan(keys.states, cursor, 'COUNT', scanCount)
    cursor = next
    const page: [StreamName, string][] = []
    for (let i = 0; i < flat.length; i += 2) page.push([flat[i] as StreamName, flat[i + 1] ?? ''])
    yield page
  } while (cursor !== '0')
}

/** `<revision>:<state version>:<state as JSON>`, or `<revision>:finished`, as append.lua writes it. */
export const stateText = (revision: number, { stateVersion, state }: FoldedState): string =>
  state === null ? `${revision}:finished` : `${revision}:${stateVersion}:${state}`

/** Parses the text of `stateText`. */
export function parseState(stream: StreamName, stored: string | null): StoredState {
  if (stored === null) return { stream, status: 'absent', revision: 0 }
  const [whole, revision, fold] = /^(\d+):(\d+|finished)(?::|$)/.exec(stored) ?? []
  if (whole === undefined) throw new Error(`the stored state of ${stream} is malformed`)
  if (fold === 'finished') return { stream, status: 'finished', revision: Number(revision) }
  return {
    stream,
    status: 'live',
    revision: Number(revision),
    stateVersion: Number(fold),
    state: stored.slice(whole.length),
  }
}
