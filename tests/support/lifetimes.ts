import { afterAll, onTestFinished } from 'vitest'
import { openTestCouncil, type TestCouncil } from './council.ts'
import type { DatabaseKind, TestDatabase } from './databases.ts'
import { freshCouncilId, redisUrl } from './shared-servers.ts'

/** A database for the tests of a `describe` or a file; it is closed after the last one. */
export async function suiteDatabase(open: DatabaseKind['open']): Promise<TestDatabase> {
  const database = await open()
  afterAll(database.close)
  return database
}

/** A process of a council, new by default, for the tests of a `describe` or a file; it is closed after the last one. */
export async function suiteCouncil(councilId = freshCouncilId()): Promise<TestCouncil> {
  const council = await openTestCouncil(redisUrl, councilId)
  afterAll(council.close)
  return council
}

/** Two processes of one new council, as `suiteCouncil` opens them. */
export async function suiteProcesses(): Promise<[TestCouncil, TestCouncil]> {
  const council = await suiteCouncil()
  return [council, await suiteCouncil(council.councilId)]
}

/** A process of a council, new by default, for the current test; it is closed when the test ends. */
export async function testCouncil(councilId = freshCouncilId(), url = redisUrl): Promise<TestCouncil> {
  const council = await openTestCouncil(url, councilId)
  onTestFinished(council.close)
  return council
}
