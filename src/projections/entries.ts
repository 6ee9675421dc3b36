import { sql } from 'kysely'
import { z } from 'zod'
import { accountEvents } from '../events/account.ts'
import { isEventOf, type EventOf, type RecordedEvent } from '../events/event.ts'
import { Position } from '../events/identifiers.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, bytewise, json, nullable, text, textOf, timestamp, unique, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { rowsIn, type ReadModel } from './engine/read-model.ts'
import { storableText } from './engine/rows.ts'
import { tableOf } from './engine/table.ts'

const columns = {
  sequence: bigint,
  position: unique(textOf(Position)),
  account_id: bytewise(text),
  /** What the debits and credits of one movement share: actor, command and transfer id. */
  movement: bytewise(text),
  transfer_id: text,
  /** The accounts on the other side of the movement. */
  counterparties: json(z.array(z.string())),
  /** Integer micro-dollars, negative for a debit. */
  amount_micros: bigint,
  /** The balance of the account after the entry. */
  balance_micros: bigint,
  reason: text,
  ref: nullable(text),
  actor: text,
  request_id: nullable(text),
  occurred_at: timestamp,
}
export type EntryRow = RowOf<typeof columns>

const handled = { AccountDebited: accountEvents.AccountDebited, AccountCredited: accountEvents.AccountCredited }
/** Whether an event moved money. */
export const isMovement = isEventOf(handled)
type Movement = RecordedEvent<EventOf<typeof handled>>

const table = tableOf({
  name: 'entries',
  columns,
  key: 'sequence',
  indexes: [sql`(account_id, sequence)`, sql`(movement)`],
})

/** `read_models.entries`: one row per debit and credit, with its counterparties and the balance after it: the statements of all accounts. */
export const entries: ReadModel = {
  name: 'entries',
  version: 1,
  tables: [table.name],
  stored: [table],
  handles: new Set(Object.keys(handled)),
  foldTables(events, tables = new Map()) {
    const rows = rowsIn<number, EntryRow>(tables, table.name)
    const moved = events.filter(isMovement)
    const movements = new Set(moved.map(movementOf))
    const before = [...rows.values()].toSorted((a, b) => a.sequence - b.sequence)
    const balances = new Map(before.map((row) => [row.account_id, row.balance_micros]))
    const begun = before.filter(({ movement }) => movements.has(movement))
    for (const row of foldEntries(moved, balances, begun)) rows.set(row.sequence, row)
    return tables
  },
  createTables: table.create,
  async apply(tx, schema, events) {
    const moved = events.filter(isMovement)
    const balances = await balancesOf(tx, schema, [...new Set(moved.map(accountOf))])
    // A batch may end between the debit and the credit of a movement.
    const begun = await table.load(tx, schema, 'movement', [...new Set(moved.map(movementOf))])
    await table.save(tx, schema, foldEntries(moved, balances, begun))
  },
}

/** A page of an account's rows, newest first: those before a sequence number, or the first. */
export const selectEntries = (
  tx: Tx,
  accountId: string,
  before: number | undefined,
  limit: number,
): Promise<EntryRow[]> =>
  table.select(
    tx,
    'read_models',
    sql`where account_id = ${accountId} ${before === undefined ? sql`` : sql`and sequence < ${before}`} order by sequence desc limit ${limit}`,
  )

const accountOf = ({ stream }: Movement): string => stream.slice('account/'.length)
const movementOf = ({ metadata, data }: Movement): string =>
  storableText(`${metadata.actor} ${metadata.commandId} ${data.transferId}`)

/** The balance of each account after its newest row. */
async function balancesOf(tx: Tx, schema: string, accountIds: readonly string[]): Promise<Map<string, number>> {
  const newest = await table.select(
    tx,
    schema,
    sql`where sequence in (
      select (select max(sequence) from ${sql.id(schema, table.name)} where account_id = asked.id)
      from unnest(${accountIds}::text[]) as asked (id)
    )`,
  )
  return new Map(newest.map((row) => [row.account_id, row.balance_micros]))
}

/** The rows of the events, and those of `begun` that get another counterparty. */
function foldEntries(
  events: readonly Movement[],
  balances: Map<string, number>,
  begun: readonly EntryRow[],
): EntryRow[] {
  const byMovement = Map.groupBy(begun, (row) => row.movement)
  for (const event of events) {
    const accountId = accountOf(event)
    const amountMicros = event.type === 'AccountCredited' ? event.data.amountMicros : -event.data.amountMicros
    const balanceMicros = (balances.get(accountId) ?? 0) + amountMicros
    balances.set(accountId, balanceMicros)
    const movement = movementOf(event)
    byMovement.set(movement, [...(byMovement.get(movement) ?? []), entryRow(event, { amountMicros, balanceMicros })])
  }
  return [...byMovement.values()].flatMap((rows) =>
    rows.map((row) => ({
      ...row,
      counterparties: rows
        .filter((other) => Math.sign(other.amount_micros) !== Math.sign(row.amount_micros))
        .map((other) => other.account_id),
    })),
  )
}

const entryRow = (
  event: Movement,
  { amountMicros, balanceMicros }: { amountMicros: number; balanceMicros: number },
): EntryRow => ({
  sequence: event.sequence,
  position: event.position,
  account_id: accountOf(event),
  movement: movementOf(event),
  transfer_id: event.data.transferId,
  counterparties: [],
  amount_micros: amountMicros,
  balance_micros: balanceMicros,
  reason: storableText(event.data.reason),
  ref: event.data.ref === undefined ? null : storableText(event.data.ref),
  actor: storableText(event.metadata.actor),
  request_id: event.metadata.requestId === undefined ? null : storableText(event.metadata.requestId),
  occurred_at: isoTime(Date.parse(event.metadata.occurredAt)),
})
