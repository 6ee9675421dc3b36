import { sql } from 'kysely'
import { Position, type Uuid7 } from '../events/identifiers.ts'
import { chats } from './chats.ts'
import type { ReadModelAnswer, ReadModelReader } from './engine/read-model-reader.ts'

/** Where the events of a principal's prompt begin, as the read model knows it; null for a prompt of nobody or of somebody else. */
export const firstPositionOf = (
  read: ReadModelReader,
  principal: string,
  requestId: Uuid7,
): Promise<ReadModelAnswer<Position | null>> =>
  read(chats, null, async (tx) => {
    const { rows } = await sql<{
      first_position: string
    }>`select first_position from read_models.chats where request_id = ${requestId} and actor = ${principal}`.execute(
      tx,
    )
    return rows[0] ? Position.parse(rows[0].first_position) : null
  })
