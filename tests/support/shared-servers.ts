import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { createDatabaseOn } from './postgres-server.ts'

/**
 * The run's shared Redis, with an append-only file and fsync always. Keep apart by `freshCouncilId`; never flush it.
 */
export const redisUrl = inject('redisUrl')

/** A council of this test file's own, so that files do not see each other's keys. */
export const freshCouncilId = (): string => `test-${randomUUID().slice(0, 8)}`

/**
 * A new, empty database on the run's shared PostgreSQL; resolves with its URL. It goes with the server at the end of
 * the run.
 */
export const createDatabase = (): Promise<string> => createDatabaseOn(inject('postgresUrl'))

export type CouncilSettings = Record<string, string> &
  Record<'COUNCIL_ID' | 'REDIS_URL' | 'REDIS_EPHEMERAL_URL' | 'DATABASE_URL', string>

/** The settings of a new council on the shared servers. */
export const councilSettings = async (more: Record<string, string> = {}): Promise<CouncilSettings> => ({
  COUNCIL_ID: freshCouncilId(),
  REDIS_URL: redisUrl,
  REDIS_EPHEMERAL_URL: redisUrl,
  DATABASE_URL: await createDatabase(),
  ...more,
})
