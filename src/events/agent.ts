import { z } from 'zod'
import { PositiveMicros } from './amounts.ts'
import type { EventOf } from './event.ts'
import { AccountId, streamNameIn } from './identifiers.ts'

/** `agent/<agentId>`: an agent of the council. Its account is `agent:<agentId>`. Source: domain rules, "KIP agents". */
export const AgentId = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits, underscores, dots or hyphens')
  .brand<'AgentId'>()
export type AgentId = z.infer<typeof AgentId>

export const agentEvents = {
  AgentRegistered: {
    version: 1,
    summary: 'An agent was registered. The same append opened its account and moved its seed there.',
    data: z.strictObject({ agentId: AgentId, account: AccountId, seedMicros: PositiveMicros }),
  },
} as const

export type AgentEvent = EventOf<typeof agentEvents>

export const agentStream = (agentId: AgentId) => streamNameIn('agent').parse(`agent/${agentId}`)

export const agentAccount = (agentId: AgentId): AccountId => AccountId.parse(`agent:${agentId}`)
