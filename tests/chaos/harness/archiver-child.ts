/** A process that archives the log. Prints `ready`; SIGTERM ends it in order. */
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres } from '../../../src/platform/postgres/postgres.ts'
import { openTestCouncil } from '../../support/council.ts'
import { startArchiving } from './archiving.ts'
import { childOptions } from './child-options.ts'

const { redisUrl, databaseUrl, councilId } = childOptions()
const council = await openTestCouncil(redisUrl, councilId)
const database = connectPostgres<unknown>({ url: databaseUrl, maxConnections: 4, logger: silentLogger })
const { archiver } = await startArchiving(council, redisUrl, database)
console.log('ready')

process.on('SIGTERM', () => {
  void (async () => {
    await archiver.stop()
    await database.close()
    council.close()
  })()
})
