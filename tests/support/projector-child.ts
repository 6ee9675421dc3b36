/**
 * A process that projects or rebuilds `chats`, and blocks at one point of its work, so that a test can kill it there.
 * Arguments: Redis URL, council id, database URL, `project` or `rebuild`, and where: `inside:<n>` in the middle of the
 * transaction of the n-th batch, `between:<n>` after it. Prints `standing still` when it gets there.
 */
import { writeSync } from 'node:fs'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectPostgres } from '../../src/platform/postgres/postgres.ts'
import { chats } from '../../src/projections/chats.ts'
import { postgresStore } from '../../src/projections/engine/postgres-store.ts'
import type { Database, Projection } from '../../src/projections/engine/projection.ts'
import { startProjector } from '../../src/projections/engine/projector.ts'
import { rebuild } from '../../src/projections/engine/rebuild.ts'
import { thisProcess } from '../../src/projections/engine/this-process.ts'
import { openTestCouncil } from './council.ts'

const [redisUrl = '', councilId = '', databaseUrl = '', mode = '', where = ''] = process.argv.slice(2)

let batches = 0
function standStillAt(point: string): void {
  if (where !== `${point}:${batches}`) return
  writeSync(1, 'standing still\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

const projection: Projection = {
  ...chats,
  async apply(tx, schema, events) {
    batches += 1
    await chats.apply(tx, schema, events)
    standStillAt('inside')
  },
}
const postgres = connectPostgres<unknown>({ url: databaseUrl, maxConnections: 2, logger: silentLogger })
const database: Database = {
  async transaction(work) {
    const before = batches
    const result = await postgres.transaction(work)
    if (batches > before) standStillAt('between')
    return result
  },
}

const { log } = await openTestCouncil(redisUrl, councilId)
if (mode === 'rebuild')
  await rebuild(
    { log, store: postgresStore(database), rebuilder: thisProcess, elapsedMs: () => performance.now() },
    projection,
  )
else startProjector({ log, database, projections: [projection], logger: silentLogger })
