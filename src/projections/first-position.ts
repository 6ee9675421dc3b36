import { sql } from 'kysely'
import { Position, type Uuid7 } from '../events/identifiers.ts'
import type { Postgres } from '../platform/postgres.ts'
import { readConsistently } from './snapshot.ts'

/** Where the events of a principal's prompt begin, as the read model knows it; null for a prompt of nobody or of somebody else. */
export async function firstPositionOf(database: Pick<Postgres<unknown>, 'snapshot'>, principal: string, requestId: Uuid7): Promise<Position | null> {
  const { rows } = await readConsistently(database, ['chats'], (tx) =>
    sql<{ first_position: string }>`select first_position from read_models.chats where request_id = ${requestId} and actor = ${principal}`.execute(tx),
  )
  return rows[0] ? Position.parse(rows[0].first_position) : null
}
