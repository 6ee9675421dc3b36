import { setTimeout as delay } from 'node:timers/promises'
import { beginning, comparePositions, type Position } from '../../events/identifiers.ts'
import { isPostgresOutage, type Postgres } from '../../platform/postgres/postgres.ts'
import { loadRegistered } from './checkpoint.ts'
import { isMissingRelation } from './missing-relation.ts'
import type { Projection, Tx } from './projection.ts'
import { readConsistently } from './snapshot.ts'

/**
 * `behind`: the read model did not reach the requested position in time; `position` is its own, `0-0` before its first build.
 * `logEndsAt` is set where the log itself ends before the requested position, so that waiting would be of no use.
 * `unavailable`: Postgres is unreachable; `message` is its error.
 */
export type ReadModelAnswer<Result> =
  | { outcome: 'read'; position: Position; result: Result }
  | { outcome: 'behind'; position: Position; logEndsAt?: Position }
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
 * Reads a read model and the position that it reflects in one snapshot, wherever its projector runs. With `after` it waits a
 * bounded time for that position, as long as the log has it (`head`; by default it is believed to). The timeouts of `postgres` decide how soon an outage is noticed. Rethrows other errors of Postgres.
 */
export function readModelReader(
  postgres: Pick<Postgres<unknown>, 'snapshot'>,
  times: ReaderTimes = systemTimes,
  head?: () => Promise<Position>,
): ReadModelReader {
  const { waitMs, pollMs, elapsedMs, pause } = times
  return async (projection, after, work) => {
    const givenUpAtMs = elapsedMs() + waitMs
    for (let tries = 1; ; tries += 1) {
      const answer = await readOnce(postgres, projection, after, work)
      if (answer.outcome !== 'behind' || after === null || elapsedMs() >= givenUpAtMs) return answer
      // A log that cannot be read may have the position.
      const logEndsAt = tries === 1 ? await head?.().catch(() => undefined) : undefined
      if (logEndsAt && comparePositions(logEndsAt, after) < 0) return { ...answer, logEndsAt }
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
    // The read model was never built.
    if (isMissingRelation(error)) return { outcome: 'behind', position: beginning }
    if (isPostgresOutage(error)) return { outcome: 'unavailable', message: error.message }
    throw error
  }
}
