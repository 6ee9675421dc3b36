import type { ApprovalEvent } from '../../events/approval.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { Aggregate } from '../decider.ts'

/** An action with the arguments that it runs with. */
export type Proposal = {
  action: string
  exactArguments: string
  argumentsHash: string
  costMicros: number
  requestedBy: string
  /** Who changed the arguments; null: they were never changed. */
  editedBy: string | null
  /** The prompt that waits for the decision. */
  resumes: Uuid7 | null
}

/** An approval. One that no job needs any more keeps only its status. */
export type Approval =
  | { status: 'absent' }
  | ({ status: 'waiting'; expiresAtMs: number } & Proposal)
  | ({ status: 'granted' } & Proposal)
  /** The prompt that waited must still learn of it. */
  | { status: 'denied' | 'expired'; resumes: Uuid7 }
  | { status: 'finished' }

const finished: Approval = { status: 'finished' }

export const approval: Aggregate<Approval, ApprovalEvent, 'approval'> = {
  category: 'approval',
  stateVersion: 1,
  initial: { status: 'absent' },
  finished,
  evolve,
  unfinishedJob: ({ status }) => (status === 'granted' || status === 'denied' || status === 'expired' ? 'act' : null),
  nextDeadlineMs: (state) => (state.status === 'waiting' ? state.expiresAtMs : null),
}

/** Throws on an inconsistent sequence of events, such as a second decision or a second use. */
function evolve(state: Approval, event: ApprovalEvent): Approval {
  switch (event.type) {
    case 'ApprovalRequested': {
      if (state.status !== 'absent') throw new Error('an approval was requested twice')
      const { action, exactArguments, argumentsHash, costMicros, requestedBy, editedBy, resumes, expiresAt } =
        event.data
      return {
        status: 'waiting',
        expiresAtMs: Date.parse(expiresAt),
        action,
        exactArguments,
        argumentsHash,
        costMicros,
        requestedBy,
        editedBy: editedBy ?? null,
        resumes: resumes ?? null,
      }
    }
    case 'ApprovalGranted': {
      const { status: _, expiresAtMs: __, ...proposal } = waiting(state)
      return { status: 'granted', ...proposal }
    }
    case 'ApprovalDenied':
      return refusal(waiting(state), 'denied')
    case 'ApprovalExpired':
      return refusal(waiting(state), 'expired')
    case 'ApprovalReplaced':
      waiting(state)
      return finished
    case 'ApprovalUsed':
      if (state.status === 'absent' || state.status === 'waiting' || state.status === 'finished')
        throw new Error(`an approval was used while ${state.status}`)
      return finished
    default:
      return event satisfies never
  }
}

function waiting(state: Approval): Extract<Approval, { status: 'waiting' }> {
  if (state.status !== 'waiting') throw new Error(`an approval was decided while ${state.status}`)
  return state
}

const refusal = ({ resumes }: Proposal, status: 'denied' | 'expired'): Approval =>
  resumes === null ? finished : { status, resumes }

/** Whether a waiting approval is too old to be granted, at a time (ISO 8601 UTC). */
export const isOverdue = ({ expiresAtMs }: { expiresAtMs: number }, now: string): boolean =>
  expiresAtMs <= Date.parse(now)
