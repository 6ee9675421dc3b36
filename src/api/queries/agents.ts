import { z } from 'zod'
import { AgentId } from '../../events/agent.ts'
import { agents, selectAgent, selectAgents, type AgentRow } from '../../projections/agents.ts'
import { LastPosition, Micros, Time } from './fields.ts'
import { always, type Query } from './query.ts'
import { itemQuery, listQuery } from './row-queries.ts'

const Agent = z
  .object({
    agent: z.string(),
    account: z
      .string()
      .meta({ description: 'Its account; /v1/treasury/accounts/{id} has the balance and the limits.' }),
    seedMicros: Micros.meta({ description: 'What its account was opened with.' }),
    registeredBy: z.string(),
    registeredAt: Time,
    lastPosition: LastPosition,
  })
  .meta({ id: 'Agent' })

/** The registered agents. */
export const agentQueries: readonly Query[] = [
  listQuery({
    path: '/v1/agents',
    summary: 'The registered agents, by name.',
    scope: 'chat:read',
    readModel: agents,
    isCommon: always,
    name: 'agents',
    row: Agent,
    cursor: AgentId,
    select: (tx, cursor, limit) => selectAgents(tx, cursor ?? '', limit),
    cursorOf: (row) => row.agent_id,
    print: printAgent,
  }),
  itemQuery({
    path: '/v1/agents/:id',
    summary: 'One agent.',
    scope: 'chat:read',
    readModel: agents,
    isCommon: always,
    row: Agent,
    id: AgentId,
    notFound: 'there is no such agent',
    select: selectAgent,
    print: printAgent,
  }),
]

function printAgent(row: AgentRow): z.output<typeof Agent> {
  return {
    agent: row.agent_id,
    account: row.account_id,
    seedMicros: row.seed_micros,
    registeredBy: row.registered_by,
    registeredAt: row.registered_at,
    lastPosition: row.last_position,
  }
}
