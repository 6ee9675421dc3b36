import { sql } from 'kysely'
import { AccountRow } from './account-row.ts'
import type { Tx } from './engine/projection.ts'

/** Rows of `read_models.accounts` behind an id (`''`: from the first), ordered by id, at most so many. */
export async function selectAccounts(tx: Tx, behind: string, limit: number): Promise<AccountRow[]> {
  const { rows } =
    await sql`select * from read_models.accounts where account_id > ${behind} order by account_id limit ${limit}`.execute(
      tx,
    )
  return rows.map((row) => AccountRow.parse(row))
}

/** One row, or undefined for an account that was never opened. */
export async function selectAccount(tx: Tx, accountId: string): Promise<AccountRow | undefined> {
  const { rows } = await sql`select * from read_models.accounts where account_id = ${accountId}`.execute(tx)
  return rows.map((row) => AccountRow.parse(row))[0]
}
