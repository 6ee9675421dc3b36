/** A process that runs the projector. Prints `ready`; SIGTERM ends it in order. */
import { silentLogger } from '../../../src/platform/logger.ts'
import { connectPostgres } from '../../../src/platform/postgres/postgres.ts'
import { startProjector } from '../../../src/projections/engine/projector.ts'
import { readModels } from '../../../src/projections/read-models.ts'
import { openTestCouncil } from '../../support/council.ts'
import { childOptions } from './child-options.ts'
import { readyUntilSigterm } from './ready.ts'

const { redisUrl, databaseUrl, councilId } = childOptions()
const council = await openTestCouncil(redisUrl, councilId)
const database = connectPostgres<unknown>({ url: databaseUrl, maxConnections: 4, logger: silentLogger })
const projector = startProjector({ log: council.log, database, projections: readModels, logger: silentLogger })
readyUntilSigterm(projector.stop, database.close, council.close)
