import { sql } from 'kysely'
import { onTestFinished } from 'vitest'
import { silentLogger } from '../../src/platform/logger.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import type { EventLog } from '../../src/events/log/log.ts'
import { costs } from '../../src/projections/costs.ts'
import { chats } from '../../src/projections/chats.ts'
import { applyEvents, type Target } from '../../src/projections/engine/apply.ts'
import { beforeFirst, type Checkpoint } from '../../src/projections/engine/checkpoint.ts'
import {
  createGeneration,
  dropOtherGenerations,
  schemaOf,
  serveGeneration,
} from '../../src/projections/engine/generations.ts'
import { postgresStore } from '../../src/projections/engine/postgres-store.ts'
import type { Database, Projection, Tx } from '../../src/projections/engine/projection.ts'
import { startProjector, type Projector } from '../../src/projections/engine/projector.ts'
import type { MemoryTables, ReadModel } from '../../src/projections/engine/read-model.ts'
import { rebuild, type RebuildProgress, type Rebuilt } from '../../src/projections/engine/rebuild.ts'
import type { Rebuilder } from '../../src/projections/engine/rebuild-lease.ts'
import { thisProcess } from '../../src/projections/engine/this-process.ts'
import type { TestDatabase } from './databases.ts'

const waitMs = 15_000

/** A projector that is stopped when the test ends, whether it passes or fails. */
export function project(
  log: EventLog,
  database: Database,
  projections: readonly Projection[] = [chats, costs],
): Projector {
  const projector = startProjector({ log, database, projections, logger: silentLogger })
  onTestFinished(projector.stop)
  return projector
}

/** Resolves when the read models have reached the current head of the log. */
export async function caughtUp(projector: Projector, log: EventLog): Promise<void> {
  const outcome = await projector.waitFor(await log.head(), AbortSignal.timeout(waitMs))
  if (outcome !== 'reached')
    throw new Error(`the projector did not catch up (${outcome}): ${JSON.stringify(projector.status())}`)
}

/** Resolves with a projection's status once it has stopped. */
export async function stopped(projector: Projector, name: string) {
  await projector.waitFor('999999999999999-0' as never, AbortSignal.timeout(waitMs), [name])
  return projector.status().find((status) => status.name === name)
}

export const rebuildNow = (
  log: EventLog,
  database: Database,
  projection: Projection,
  onProgress?: (progress: RebuildProgress) => void,
  rebuilder: Rebuilder = thisProcess,
): Promise<Rebuilt> =>
  rebuild({ log, store: postgresStore(database), rebuilder, elapsedMs: () => performance.now() }, projection, {
    ...(onProgress && { onProgress }),
  })

/** Applies events to a new, serving generation in batches of these sizes, again and again. */
export async function applyInBatches(
  database: Database,
  projection: Projection,
  events: readonly AnyRecordedEvent[],
  sizes: readonly number[],
): Promise<void> {
  await database.transaction(async (tx) => {
    await dropOtherGenerations(tx, projection.name, undefined)
    await createGeneration(tx, projection, 1)
    await serveGeneration(tx, projection, 1)
  })
  const target: Target<Tx> = {
    projection,
    schema: schemaOf(projection.name, 1),
    advance: () => Promise.resolve(true),
    applied: () => undefined,
  }
  let at: Checkpoint | undefined = beforeFirst
  let start = 0
  for (let batch = 0; start < events.length; batch++) {
    const size = sizes[batch % sizes.length]!
    at = await applyEvents(database, target, at!, events.slice(start, start + size))
    start += size
  }
}

/** All rows of read models, as the generations that serve queries have them. */
export async function storedTables(tx: Tx, models: readonly ReadModel[]): Promise<MemoryTables> {
  const tables: MemoryTables = new Map()
  for (const { name, key, select } of models.flatMap(({ stored }) => stored)) {
    const rows = await select(tx, 'read_models', sql``)
    tables.set(name, new Map(rows.map((row) => [row[key], row])))
  }
  return tables
}

/** All rows of both read models. */
export const dumpAll = async (db: TestDatabase): Promise<{ chats: string[]; costs: string[] }> => ({
  chats: await db.dump('read_models.chats'),
  costs: await db.dump('read_models.costs'),
})
