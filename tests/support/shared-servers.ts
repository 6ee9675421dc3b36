import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { createDatabaseOn } from './postgres-server.ts'

/** The run's shared Redis, with an append-only file and fsync always. Keep apart by `freshCouncilId`; never flush it. */
export const redisUrl = inject('redisUrl')

/** A council of this test file's own, so that files do not see each other's keys. */
export const freshCouncilId = (): string => `test-${randomUUID().slice(0, 8)}`

/** A new, empty database on the run's shared PostgreSQL; resolves with its URL. It goes with the server at the end of the run. */
export const createDatabase = (): Promise<string> => createDatabaseOn(inject('postgresUrl'))
