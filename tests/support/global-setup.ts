import type { TestProject } from 'vitest/node'
import { makeScratch, removeLeftOvers, removeScratch } from './scratch.ts'
import { startPostgres, startRedis } from './servers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
    postgresUrl: string
  }
}

/**
 * One Redis (fsync always) and one PostgreSQL for a whole run; their addresses reach the tests through `inject`.
 * All temporary files of the run lie in one folder, which goes with it.
 */
export default async function bringSharedServers(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftOvers()
  const scratch = await makeScratch()
  process.env['TMPDIR'] = scratch
  const started = await Promise.allSettled([startRedis(), startPostgres()])
  const stop = async () => {
    await Promise.all(started.map(async (server) => (server.status === 'fulfilled' ? server.value.stop() : undefined)))
    await removeScratch(scratch)
  }
  const [redis, postgres] = started
  if (redis.status === 'rejected' || postgres.status === 'rejected') {
    await stop()
    throw new AggregateError(
      started.flatMap((server): unknown[] => (server.status === 'rejected' ? [server.reason] : [])),
      'no servers to test with',
    )
  }
  project.provide('redisUrl', redis.value.url)
  project.provide('postgresUrl', postgres.value.url)
  return stop
}
