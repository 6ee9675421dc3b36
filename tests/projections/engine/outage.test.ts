import { sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres } from '../../../src/platform/postgres/postgres.ts'
import { whenRedisReady } from '../../../src/platform/redis/connection.ts'
import { chats } from '../../../src/projections/chats.ts'
import { costs } from '../../../src/projections/costs.ts'
import { startProjector } from '../../../src/projections/engine/projector.ts'
import { openTestCouncil } from '../../support/council.ts'
import { answeredPrompt, eventsOfPrompts } from '../../support/history.ts'
import { caughtUp, project } from '../../support/read-models.ts'
import { startPostgres, startRedis } from '../../support/servers.ts'

const [server, redis] = await Promise.all([startPostgres(), startRedis()])
const postgres = connectPostgres<unknown>({ url: server.url, maxConnections: 4, logger: silentLogger })
const council = await openTestCouncil(redis.url, 'outages')
afterAll(async () => {
  council.close()
  await postgres.close()
  await Promise.all([server.stop(), redis.stop()])
})

const projecting = (pause: ReturnType<typeof noted>) =>
  startProjector({ log: council.log, database: postgres, projections: [chats, costs], logger: silentLogger, pause })
const shown = () =>
  postgres.transaction(async (tx) =>
    Number((await sql<{ n: string }>`select count(*) as n from read_models.costs`.execute(tx)).rows[0]?.n),
  )

describe('a projector whose stores become unreachable', () => {
  test('waits for a database that is down at the start, then builds the read models', async () => {
    await server.kill()
    await answeredPrompt(council)
    const waiting = Promise.withResolvers<undefined>()
    const projector = projecting(noted(waiting))
    await waiting.promise
    // Each projection notices by itself, and reports `running` only after it has found its checkpoint in the log.
    const both = (status: object) =>
      expect.poll(() => projector.status(), { timeout: 15_000 }).toMatchObject([status, status])
    await both({ state: 'waiting', code: 'store_unreachable', sequence: 0 })
    await server.start()
    await caughtUp(projector, council.log)
    await both({ state: 'running', sequence: eventsOfPrompts(1) })
    await projector.stop()
  })

  test('loses nothing when the database crashes under it', async () => {
    const waiting = Promise.withResolvers<undefined>()
    const projector = projecting(noted(waiting))
    await caughtUp(projector, council.log)
    await server.kill()
    await answeredPrompt(council)
    await waiting.promise
    await server.start()
    await caughtUp(projector, council.log)
    expect(await shown()).toBe(2)
    await projector.stop()
  })

  test('loses nothing when Redis crashes under it', async () => {
    const projector = project(council.log, postgres)
    await caughtUp(projector, council.log)
    await redis.kill()
    await redis.start()
    await whenRedisReady(council.redis, 10_000)
    await answeredPrompt(council)
    await caughtUp(projector, council.log)
    expect(await shown()).toBe(3)
  })
})

/** Pauses like the real one, but only until the next turn, and resolves `waiting` at the first pause. */
const noted = (waiting: PromiseWithResolvers<undefined>) => (_ms: number, signal: AbortSignal) => {
  waiting.resolve(undefined)
  return new Promise<void>((resolve) => {
    const go = () => {
      signal.removeEventListener('abort', go)
      resolve()
    }
    signal.addEventListener('abort', go)
    setImmediate(go)
  })
}
