import { sql } from 'kysely'
import { agentEvents } from '../events/agent.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, bytewise, text, timestamp, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

const columns = {
  agent_id: bytewise(text),
  account_id: text,
  /** What its account was opened with, in micro-dollars. */
  seed_micros: bigint,
  registered_by: text,
  registered_at: timestamp,
  last_position: text,
  last_sequence: bigint,
}
export type AgentRow = RowOf<typeof columns>

/** `read_models.agents`: one row per registered agent. */
export const agents = tableProjection({
  name: 'agents',
  version: 1,
  columns,
  key: 'agent_id',
  handles: agentEvents,
  keyOf: ({ data }) => data.agentId,
  evolve(row, { data, metadata, stream, position, sequence }) {
    if (row) throw new Error(`${stream} was registered twice`)
    return {
      agent_id: data.agentId,
      account_id: data.account,
      seed_micros: data.seedMicros,
      registered_by: storableText(metadata.actor),
      registered_at: isoTime(Date.parse(metadata.occurredAt)),
      last_position: position,
      last_sequence: sequence,
    }
  },
})

/** A page of rows after an id (`''`: from the first), ordered by id. */
export const selectAgents = (tx: Tx, after: string, limit: number): Promise<AgentRow[]> =>
  agents.select(tx, sql`where agent_id > ${after} order by agent_id limit ${limit}`)

export const selectAgent = async (tx: Tx, agentId: string): Promise<AgentRow | undefined> =>
  (await agents.select(tx, sql`where agent_id = ${agentId}`))[0]
