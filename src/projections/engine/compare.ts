import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { z } from 'zod'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { Position } from '../../events/identifiers.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { loadRegistered, type Registered } from './checkpoint.ts'
import { applyHandled, type Database, type Projection, type Tx } from './projection.ts'

/** The result of comparing a read model with the log, up to the read model's checkpoint. */
export type ComparedReadModel = { projection: string } & (
  | { state: 'compared'; position: Position; rows: number; differences: ReadModelDifference[] }
  /** The next start or `council rebuild` builds it. */
  | { state: 'not_built' | 'other_version' }
)

/** A row that differs from the fold of its events. `position` is the event that the row names. */
export type ReadModelDifference = { position: Position; sequence: number | null; message: string }

/** More differences would not help. */
const maxDifferences = 1_000

/**
 * Compares read models with the log: builds a copy of each in a transaction that has one snapshot and is rolled back, and finds
 * the rows that only one of the two has. `log` reads all events through that transaction.
 */
export async function compareReadModels(
  { transaction }: Database,
  projections: readonly Projection[],
  log: (tx: Tx) => AsyncIterable<AnyRecordedEvent[]>,
): Promise<ComparedReadModel[]> {
  const built = await transaction((tx) => builtAndCurrent(tx, projections))
  let compared: ComparedReadModel[] = []
  await transaction(async (tx) => {
    await sql`set transaction isolation level repeatable read`.execute(tx)
    // Before the statement that takes the snapshot: no rebuild may swap generations in between.
    for (const { tables } of built)
      for (const table of tables) await sql`lock table ${sql.id('read_models', table)} in access share mode`.execute(tx)
    compared = await compareAll(tx, projections, log)
    throw new RolledBack()
  }).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error
  })
  return compared
}

/** Rolls back the transaction: a comparison leaves nothing in the database. */
class RolledBack extends Error {}

async function builtAndCurrent(tx: Tx, projections: readonly Projection[]): Promise<Projection[]> {
  const { rows } = await sql`select to_regclass('projections') is not null as exists`.execute(tx)
  if (!z.tuple([z.object({ exists: z.boolean() })]).parse(rows)[0].exists) return []
  const built = []
  for (const projection of projections)
    if ((await loadRegistered(tx, projection.name))?.version === projection.version) built.push(projection)
  return built
}

/** A read model and its copy, built from the log. */
type Copy = { projection: Projection; registered: Registered; schema: string; problem: ReadModelDifference | null }

async function compareAll(
  tx: Tx,
  projections: readonly Projection[],
  log: (tx: Tx) => AsyncIterable<AnyRecordedEvent[]>,
): Promise<ComparedReadModel[]> {
  const results: ComparedReadModel[] = []
  const copies: Copy[] = []
  for (const projection of projections) {
    const registered = await loadRegistered(tx, projection.name)
    if (registered?.version !== projection.version) {
      results.push({ projection: projection.name, state: registered ? 'other_version' : 'not_built' })
      continue
    }
    const schema = `audit_${projection.name}_${randomUUID().slice(0, 8)}`
    await sql`create schema ${sql.id(schema)}`.execute(tx)
    await projection.createTables(tx, schema)
    copies.push({ projection, registered, schema, problem: null })
  }
  await fill(tx, copies, log)
  for (const copy of copies) results.push(await compareCopy(tx, copy))
  return results
}

async function fill(tx: Tx, copies: Copy[], log: (tx: Tx) => AsyncIterable<AnyRecordedEvent[]>): Promise<void> {
  const end = Math.max(0, ...copies.map(({ registered }) => registered.sequence))
  if (end === 0) return
  for await (const events of log(tx)) {
    for (const copy of copies) {
      const within = events.filter(({ sequence }) => sequence <= copy.registered.sequence)
      if (within.length > 0 && !copy.problem) copy.problem = await apply(tx, copy, within)
    }
    if ((events.at(-1)?.sequence ?? 0) >= end) return
  }
}

async function apply(
  tx: Tx,
  { projection, schema }: Copy,
  events: readonly AnyRecordedEvent[],
): Promise<ReadModelDifference | null> {
  await sql`savepoint batch`.execute(tx)
  try {
    await applyHandled(projection, tx, schema, events)
    await sql`release savepoint batch`.execute(tx)
    return null
  } catch (error) {
    await sql`rollback to savepoint batch`.execute(tx)
    const [first] = events
    if (!first) throw error
    return {
      position: first.position,
      sequence: first.sequence,
      message: `${projection.name} cannot be built from the events from ${first.position} on: ${messageOf(error)}`,
    }
  }
}

const Differing = z.array(z.object({ side: z.enum(['model', 'log']), row: z.record(z.string(), z.unknown()) }))
type Row = Record<string, unknown>

async function compareCopy(tx: Tx, { projection, registered, schema, problem }: Copy): Promise<ComparedReadModel> {
  const { position } = registered
  if (problem) return { projection: projection.name, state: 'compared', position, rows: 0, differences: [problem] }
  let rows = 0
  const differences: ReadModelDifference[] = []
  for (const table of projection.tables) {
    const [model, made] = [sql.id('read_models', table), sql.id(schema, table)]
    const counted = await sql`select count(*)::integer as rows from ${model}`.execute(tx)
    rows += z.tuple([z.object({ rows: z.number() })]).parse(counted.rows)[0].rows
    const found = await sql`
      select 'model' as side, to_json(t) as row from (select * from ${model} except all select * from ${made}) as t
      union all select 'log' as side, to_json(t) as row from (select * from ${made} except all select * from ${model}) as t
      limit ${maxDifferences}`.execute(tx)
    differences.push(...paired(table, Differing.parse(found.rows), registered))
  }
  return { projection: projection.name, state: 'compared', position, rows, differences }
}

/**
 * A row of the model and a row of the log that name the same event are one row that was changed. An event may change
 * several rows: their first column, the key, says which ones belong together.
 */
function paired(table: string, found: z.output<typeof Differing>, { position }: Registered): ReadModelDifference[] {
  const byEvent = Map.groupBy(found, ({ row }) => eventOf(row) ?? position)
  return [...byEvent].flatMap(([at, rows]) => {
    const isOneRow = rows.length === 2 && rows[0]?.side !== rows[1]?.side
    const same = isOneRow ? [rows] : [...Map.groupBy(rows, ({ row }) => keyOf(row)).values()]
    return same.map((changed) => differenceAt(table, at, changed))
  })
}

function differenceAt(table: string, at: Position, rows: z.output<typeof Differing>): ReadModelDifference {
  const [model, log] = (['model', 'log'] as const).map((side) => rows.find((row) => row.side === side)?.row)
  const known = Number(model?.['sequence'] ?? model?.['last_sequence'] ?? log?.['sequence'] ?? log?.['last_sequence'])
  return {
    position: at,
    sequence: Number.isSafeInteger(known) ? known : null,
    message: `${table}: ${formatDifference(model, log)}`,
  }
}

const keyOf = (row: Row): unknown => Object.values(row)[0]
const eventOf = (row: Row): Position | undefined => (row['position'] ?? row['last_position']) as Position | undefined

function formatDifference(model: Row | undefined, log: Row | undefined): string {
  if (!model) return `the row ${JSON.stringify(log)} is missing`
  if (!log) return `the row ${JSON.stringify(model)} is not what the log says`
  const columns = Object.keys(log).filter((column) => JSON.stringify(log[column]) !== JSON.stringify(model[column]))
  const [key] = Object.entries(log)
  return `the row of ${key?.join(' ')}: ${columns.map((column) => `${column} is ${JSON.stringify(model[column])}, the log says ${JSON.stringify(log[column])}`).join('; ')}`
}
