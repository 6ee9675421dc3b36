import { approvalStream } from '../../events/approval.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { approval, type Approval } from '../aggregates/approval.ts'
import type { CommandDefinition, ReadSet } from '../decider.ts'
import { refused } from '../refusals.ts'
import { exactArgumentsOf } from './exact-arguments.ts'

type AnyCommand = CommandDefinition<unknown, ReadSet>

/**
 * An action that a person approved. It runs once, and only with the approved arguments: the same append has its events and marks the
 * approval as used. `job` is the entry of the work stream that the append removes.
 */
export const approved = (definition: AnyCommand, approvalId: Uuid7, job: string): AnyCommand => ({
  ...definition,
  isGoverned: true,
  aggregates: { ...definition.aggregates, ownApproval: approval },
  reads: (command) => ({ ...definition.reads(command), ownApproval: approvalStream(approvalId) }),
  decide(command, states, context) {
    const state = states['ownApproval'] as Approval
    const { argumentsHash } = exactArgumentsOf(command, definition.idField)
    if (state.status !== 'granted' || state.action !== definition.name || state.argumentsHash !== argumentsHash)
      return refused('approval_not_granted', { approvalId })
    const decision = definition.decide(command, states, context)
    if (decision.outcome === 'refused') return decision
    return {
      ...decision,
      events: { ...decision.events, ownApproval: [{ type: 'ApprovalUsed', data: { outcome: 'executed' } }] },
      finishesJob: job,
    }
  },
})
