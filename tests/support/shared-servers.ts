import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

/** The run's shared Redis, with an append-only file and fsync always. Keep apart by `freshCouncilId`; never flush it. */
export const redisUrl = inject('redisUrl')

/** A council of this test file's own, so that files do not see each other's keys. */
export const freshCouncilId = (): string => `test-${randomUUID().slice(0, 8)}`

/** A new, empty database on the run's shared PostgreSQL; resolves with its URL. It goes with the server at the end of the run. */
export async function createDatabase(): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
  } finally {
    await client.end()
  }
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  return url.href
}
