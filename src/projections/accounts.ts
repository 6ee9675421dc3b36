import { sql } from 'kysely'
import { isAccountEvent } from '../events/account.ts'
import { accountIdOf, AccountRow, evolveAccountRow } from './account-row.ts'
import type { Projection, Tx } from './engine/projection.ts'

/** Name and type of every column, in the order of the table. */
const columns = {
  // Compared byte by byte everywhere, so that pages follow each other in the same order on every server.
  account_id: 'text collate "C" primary key',
  status: 'text not null',
  balance_micros: 'bigint not null',
  reserved_micros: 'bigint not null',
  daily_limit_micros: 'bigint',
  action_limit_micros: 'bigint',
  last_position: 'text not null',
  last_sequence: 'bigint not null',
} as const satisfies Record<keyof AccountRow, string>

const names = sql.join(Object.keys(columns).map((name) => sql.id(name)))
const typeAlone = (type: string): string => type.replace(/( collate "C")?( not null| primary key)?$/, '')

/** `read_models.accounts`: one row an account, what it holds and what of it is promised. The sum of all balances is 0. */
export const accounts: Projection = {
  name: 'accounts',
  version: 1,
  target: 'postgres',
  money: true,
  tables: ['accounts'],

  async createTables(tx, schema) {
    const list = Object.entries(columns).map(([name, type]) => sql`${sql.id(name)} ${sql.raw(type)}`)
    await sql`create table ${sql.id(schema, 'accounts')} (${sql.join(list)})`.execute(tx)
  },

  async apply(tx, schema, events) {
    const ofAccounts = events.filter(isAccountEvent)
    if (ofAccounts.length === 0) return
    const rows = await loadRows(tx, schema, [...new Set(ofAccounts.map((event) => accountIdOf(event.stream)))])
    for (const event of ofAccounts) {
      const accountId = accountIdOf(event.stream)
      rows.set(accountId, evolveAccountRow(rows.get(accountId), event))
    }
    await storeRows(tx, schema, [...rows.values()])
  },
}

async function loadRows(tx: Tx, schema: string, accountIds: readonly string[]): Promise<Map<string, AccountRow>> {
  const { rows } =
    await sql`select ${names} from ${sql.id(schema, 'accounts')} where account_id = any(${accountIds}::text[])`.execute(
      tx,
    )
  return new Map(rows.map((row) => AccountRow.parse(row)).map((row) => [row.account_id, row]))
}

async function storeRows(tx: Tx, schema: string, rows: readonly AccountRow[]): Promise<void> {
  const typed = Object.entries(columns).map(([name, type]) => sql`${sql.id(name)} ${sql.raw(typeAlone(type))}`)
  const updates = Object.keys(columns)
    .filter((name) => name !== 'account_id')
    .map((name) => sql`${sql.id(name)} = excluded.${sql.id(name)}`)
  await sql`
    insert into ${sql.id(schema, 'accounts')} (${names})
    select * from json_to_recordset(${JSON.stringify(rows)}::json) as account (${sql.join(typed)})
    on conflict (account_id) do update set ${sql.join(updates)}`.execute(tx)
}
