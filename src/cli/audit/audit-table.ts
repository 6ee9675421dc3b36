import { isDeepStrictEqual } from 'node:util'
import type { RawBuilder } from 'kysely'
import type { RecordedEvent } from '../../events/event.ts'
import type { Position } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { loadRegistered, type Registered } from '../../projections/engine/checkpoint.ts'
import type { Columns, RowOf } from '../../projections/engine/columns.ts'
import { lastEventOf } from '../../projections/engine/rows.ts'
import { readConsistently } from '../../projections/engine/snapshot.ts'
import type { TableProjection } from '../../projections/engine/table-projection.ts'
import { CliError } from '../failure.ts'
import { openLogForReading, openReadModels, type CouncilAddress } from '../running-council.ts'

/** How the rows of a read model compare with the log, up to the read model's checkpoint. */
export type Comparison =
  | { state: 'agrees'; rows: number; position: Position }
  | { state: 'behind'; rows: number; position: Position; missing: number }
  | { state: 'unavailable'; message: string }
  | { state: 'differs'; message: string; position: Position }

/** A comparison in one line for people. */
export function comparisonLine(readModel: Comparison): string {
  switch (readModel.state) {
    case 'agrees':
      return `read model agrees: ${count(readModel.rows, 'row')}, at ${readModel.position}`
    case 'behind':
      return `read model is behind, at ${readModel.position}: ${count(readModel.missing, 'event')} not yet in it, the others agree`
    case 'unavailable':
      return `read model could not be compared: ${readModel.message}`
    case 'differs':
      return `read model DIFFERS: ${readModel.message}`
    default:
      return readModel satisfies never
  }
}

/** An amount with its noun, such as `1 row` and `2 rows`. */
export const count = (amount: number, noun: string): string =>
  `${amount.toLocaleString('en')} ${noun}${amount === 1 ? '' : 's'}`

/** Selects what is compared. */
type Within<Row> = { row: (row: Row) => boolean; event: (event: RecordedEvent) => boolean }

/** A log to audit, and the comparison of a read model with it. */
export type TableAudit<Row> = {
  log: LogReader
  /** Compares the rows with what the events fold to. `missing` counts the selected events that are not yet in the read model. */
  compare: (events: readonly RecordedEvent[], within?: Within<Row>) => Comparison
}

/**
 * Opens the log and reads rows of a read model. The rows are read first, so that the log covers them however busy the council
 * is. A read model that cannot be read is reported, and is not an error.
 */
export async function auditTable<C extends Columns, Key extends keyof C & string>(
  table: TableProjection<C, Key>,
  { clauses, noun }: { clauses: RawBuilder<unknown>; noun: string },
  council: CouncilAddress,
  closing: AsyncDisposableStack,
): Promise<TableAudit<RowOf<C>>> {
  type Row = RowOf<C>
  type Stored = { registered: Registered; rows: Row[] } | { unavailable: string }

  async function readStored(): Promise<Stored> {
    try {
      return await readConsistently(await openReadModels(council, closing), table.tables, async (tx) => {
        const registered = await loadRegistered(tx, table.name)
        return registered
          ? { registered, rows: await table.select(tx, clauses) }
          : { unavailable: 'it was never built' }
      })
    } catch (error) {
      return { unavailable: messageOf(error) }
    }
  }

  const log = await openLogForReading(council, closing)
  const stored = await readStored()
  return {
    log,
    compare(events, within = { row: () => true, event: () => true }) {
      if ('unavailable' in stored) return { state: 'unavailable', message: stored.unavailable }
      const { registered, rows } = stored
      const { sequence, position } = registered
      const keyed = (some: Iterable<Row>) => new Map([...some].filter(within.row).map((row) => [row[table.key], row]))
      const expected = keyed(table.fold(events.filter((event) => event.sequence <= sequence)).values())
      const found = keyed(rows)
      const [first] = [...new Set([...expected.keys(), ...found.keys()])]
        .filter((key) => !isDeepStrictEqual(expected.get(key), found.get(key)))
        .map((key) => difference(noun, expected.get(key), found.get(key)))
        .toSorted((a, b) => a.sequence - b.sequence)
      if (first) return { state: 'differs', message: first.message, position: first.position }
      const missing = events.filter((event) => event.sequence > sequence && within.event(event)).length
      return missing === 0
        ? { state: 'agrees', rows: found.size, position }
        : { state: 'behind', rows: found.size, position, missing }
    },
  }
}

/** Ends an audit whose read model differs: with CliError `read_model_differs`. */
export function assertAgrees(comparison: Comparison): void {
  if (comparison.state === 'differs') throw new CliError('read_model_differs', comparison.message)
}

function difference(noun: string, fromLog: object | undefined, fromModel: object | undefined) {
  const at = lastEventOf(fromLog ?? fromModel ?? {})
  if (!fromModel) return { ...at, message: `the read model lacks the ${noun} at ${at.position}` }
  if (!fromLog) return { ...at, message: `the read model has a ${noun} at ${at.position} that is not in the log` }
  const stored = new Map<string, unknown>(Object.entries(fromModel))
  const details = Object.entries(fromLog)
    .filter(([column, value]) => !isDeepStrictEqual(stored.get(column), value))
    .map(([column, value]) => `${column} is ${formatted(stored.get(column))}, the log says ${formatted(value)}`)
  return { ...at, message: `the read model differs at ${at.position}: ${details.join('; ')}` }
}

const formatted = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
