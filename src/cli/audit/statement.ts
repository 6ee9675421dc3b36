import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { AccountId, Position } from '../../events/identifiers.ts'
import { entries, isMovement, type EntryRow } from '../../projections/entries.ts'
import { rowsIn } from '../../projections/engine/read-model.ts'
import type { Evidence } from './evidence.ts'

/** The commands that are looked up at the same time. */
const lookedUpAtOnce = 100

/**
 * The entries of an account's statement from its events, newest first, as the read model `entries` has them. `within` selects entries; the
 * other sides of these alone are looked up in the log.
 */
export async function statementOf(
  accountId: AccountId,
  events: readonly AnyRecordedEvent[],
  within: (position: Position) => boolean,
  evidence: Evidence,
): Promise<EntryRow[]> {
  const selected = events.filter((event) => isMovement(event) && within(event.position))
  const known = new Map(events.map((event) => [event.sequence, event]))
  for (let from = 0; from < selected.length; from += lookedUpAtOnce)
    for (const event of await evidence.eventsOfCommands(selected.slice(from, from + lookedUpAtOnce)))
      known.set(event.sequence, event)
  const inOrder = [...known.values()].toSorted((a, b) => a.sequence - b.sequence)
  const rows = rowsIn<number, EntryRow>(entries.foldTables(inOrder), entries.name)
  return [...rows.values()]
    .filter((row) => row.account_id === accountId && within(row.position))
    .toSorted((a, b) => b.sequence - a.sequence)
}
