import { setTimeout as delay } from 'node:timers/promises'
import { beginning, comparePositions, type Position } from '../../events/identifiers.ts'
import { isPostgresOutage, type Postgres } from '../../platform/postgres/postgres.ts'
import { loadRegistered } from './checkpoint.ts'
import { isMissingRelation } from './missing-relation.ts'
import type { Projection, Tx } from './projection.ts'
import { readConsistently } from './snapshot.ts'

/**
 * `behind`: the read model did not get as far as was asked for in time; `position` is where it is, `0-0` before its first build.
 * `unavailable`: Postgres is away; `message` says what was seen of it.
 */
export type ReadModelAnswer<Result> =
  | { outcome: 'read'; position: Position; result: Result }
  | { outcome: 'behind'; position: Position }
  | { outcome: 'unavailable'; message: string }

export type ReadModelReader = <Result>(
  projection: Pick<Projection, 'name' | 'tables'>,
  after: Position | null,
  work: (tx: Tx) => Promise<Result>,
) => Promise<ReadModelAnswer<Result>>

export type ReaderTimes = {
  waitMs: number
  pollMs: number
  elapsedMs: () => number
  pause: (ms: number) => Promise<unknown>
}

const systemTimes: ReaderTimes = {
  waitMs: 5_000,
  pollMs: 50,
  elapsedMs: () => performance.now(),
  pause: (ms) => delay(ms),
}

/**
 * Reads a read model together with the position that it reflects, both as of one moment, wherever its projector runs.
 * `after`: waits until it has passed that position, for a bounded time. How long an outage takes to be
 * noticed is up to the limits of `postgres`. Throws what else Postgres throws.
 */
export function readModelReader(
  postgres: Pick<Postgres<unknown>, 'snapshot'>,
  times: ReaderTimes = systemTimes,
): ReadModelReader {
  const { waitMs, pollMs, elapsedMs, pause } = times
  return async (projection, after, work) => {
    const givenUpAtMs = elapsedMs() + waitMs
    for (;;) {
      const answer = await readOnce(postgres, projection, after, work)
      if (answer.outcome !== 'behind' || after === null || elapsedMs() >= givenUpAtMs) return answer
      await pause(pollMs)
    }
  }
}

async function readOnce<Result>(
  postgres: Pick<Postgres<unknown>, 'snapshot'>,
  { name, tables }: Pick<Projection, 'name' | 'tables'>,
  after: Position | null,
  work: (tx: Tx) => Promise<Result>,
): Promise<ReadModelAnswer<Result>> {
  try {
    return await readConsistently(postgres, tables, async (tx): Promise<ReadModelAnswer<Result>> => {
      const position = (await loadRegistered(tx, name))?.position ?? beginning
      if (after !== null && comparePositions(position, after) < 0) return { outcome: 'behind', position }
      return { outcome: 'read', position, result: await work(tx) }
    })
  } catch (error) {
    // Nobody has built the read model yet.
    if (isMissingRelation(error)) return { outcome: 'behind', position: beginning }
    if (isPostgresOutage(error)) return { outcome: 'unavailable', message: error.message }
    throw error
  }
}
