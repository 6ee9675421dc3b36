import { approvalStream, type ApprovalEvent, type Stake } from '../../events/approval.ts'
import type { Principal, Uuid7 } from '../../events/identifiers.ts'
import { modeStream } from '../../events/governance.ts'
import { approval, type Approval } from '../aggregates/approval.ts'
import { expiryOf, governance, waitReason, type Governance } from '../aggregates/governance.ts'
import type { CommandDefinition, ReadSet } from '../decider.ts'
import { refused } from '../refusals.ts'
import { exactArgumentsOf, type ExactArguments } from './exact-arguments.ts'

type AnyCommand = CommandDefinition<unknown, ReadSet>

/**
 * The command of an agent: it runs, or it becomes a proposal that waits for a person, as the mode says that its own append finds. Both
 * ways it is decided first, so that no person is asked to approve what would be refused anyway. The approval has the command's id.
 */
export function governed(
  definition: AnyCommand,
  { commandId, principal }: { commandId: Uuid7; principal: Principal },
): AnyCommand {
  return {
    ...definition,
    aggregates: { ...definition.aggregates, governance, ownApproval: approval },
    reads: (command) => ({
      ...definition.reads(command),
      governance: modeStream,
      ownApproval: approvalStream(commandId),
    }),
    decide(command, states, context) {
      const stake = definition.stake?.(command)
      if (!stake) return refused('not_for_agents')
      const decision = definition.decide(command, states, context)
      if (decision.outcome === 'refused') return decision
      const current = states['governance'] as Governance
      const why = waitReason(current, stake)
      if (why === 'none') return decision
      const before = states['ownApproval'] as Approval
      if (before.status !== 'absent') return refused('approval_exists', { approvalId: commandId })
      const requested = requestedEvent(current, context.now, {
        approvalId: commandId,
        action: definition.name,
        ...exactArgumentsOf(command, definition.idField),
        ...stake,
        why,
        requestedBy: principal,
      })
      return { outcome: 'accepted', events: { ownApproval: [requested] } }
    },
  }
}

type Requested = Extract<ApprovalEvent, { type: 'ApprovalRequested' }>
type Asked = ExactArguments & Stake & Omit<Requested['data'], 'mode' | 'expiresAt' | keyof ExactArguments | keyof Stake>

/** The event that proposes an action now. */
export function requestedEvent(current: Governance, now: string, asked: Asked): Requested {
  const { approvalId, action, exactArguments, argumentsHash, costMicros, risk, why, requestedBy } = asked
  const { editedBy, replaces, resumes } = asked
  return {
    type: 'ApprovalRequested',
    data: {
      approvalId,
      action,
      exactArguments,
      argumentsHash,
      costMicros,
      risk,
      mode: current.mode,
      why,
      requestedBy,
      ...(editedBy && { editedBy }),
      ...(replaces && { replaces }),
      ...(resumes && { resumes }),
      expiresAt: expiryOf(current, now),
    },
  }
}
