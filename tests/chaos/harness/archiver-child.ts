/** A process that archives the log. Prints `ready`; SIGTERM ends it in order. */
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres } from '../../../src/platform/postgres/postgres.ts'
import { openTestCouncil } from '../../support/council.ts'
import { startArchiving } from './archiving.ts'
import { childOptions } from './child-options.ts'
import { readyUntilSigterm } from './ready.ts'

const { redisUrl, databaseUrl, councilId } = childOptions()
const council = await openTestCouncil(redisUrl, councilId)
const database = connectPostgres<unknown>({ url: databaseUrl, maxConnections: 4, logger: silentLogger })
const { archiver } = await startArchiving(council, redisUrl, database)
readyUntilSigterm(archiver.stop, database.close, council.close)
