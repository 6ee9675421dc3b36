import type { AgentEvent } from '../../events/agent.ts'
import type { Aggregate } from '../decider.ts'

export type Agent = { status: 'absent' | 'registered' }

export const agent: Aggregate<Agent, AgentEvent, 'agent'> = {
  category: 'agent',
  stateVersion: 1,
  initial: { status: 'absent' },
  evolve: () => ({ status: 'registered' }),
}
