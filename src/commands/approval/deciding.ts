import { isAgent, type Principal, type Uuid7 } from '../../events/identifiers.ts'
import { isOverdue, type Approval } from '../aggregates/approval.ts'
import { refused, type Refusal } from '../refusals.ts'

type Waiting = Extract<Approval, { status: 'waiting' }>

/** The approval, if it still waits for a person at this time: a time-out means no, also before the clock has recorded it. */
export function stillWaiting(approvalId: Uuid7, state: Approval, now: string): Waiting | Refusal {
  if (state.status === 'absent') return refused('approval_unknown', { approvalId })
  if (state.status !== 'waiting') return refused('approval_decided', { approvalId })
  if (isOverdue(state, now)) return refused('approval_expired', { approvalId })
  return state
}

/**
 * Whether a person may approve: never the subject that asked. The person who changed the arguments may approve only what an agent asked
 * for, because what a person asked for needs two persons who agree on the same arguments.
 */
export function mayApprove({ requestedBy, editedBy }: Waiting, approver: Principal): boolean {
  if (isAgent(approver) || approver === requestedBy) return false
  return approver !== editedBy || isAgent(requestedBy)
}
