import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { Principal, Uuid7 } from '../../events/identifiers.ts'
import { modeStream } from '../../events/governance.ts'
import { approval } from '../aggregates/approval.ts'
import { governance } from '../aggregates/governance.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { stillWaiting } from './deciding.ts'
import { requestedEvent } from './governed.ts'
import { GivenArguments } from './given-arguments.ts'
import { proposed, type FindAction } from './proposed.ts'

/**
 * Changes the arguments of an action that waits. The changed action is a new proposal, which replaces the old one and waits for a person
 * of its own: its arguments are not approved yet.
 */
export const editApproval = (findAction: FindAction) =>
  defineCommand({ approval, replacement: approval, governance })({
    name: 'EditApproval',
    schema: z.strictObject({ replacementId: Uuid7, approvalId: Uuid7, exactArguments: GivenArguments }),
    recordsRefusals: true,
    reads: ({ approvalId, replacementId }) => ({
      approval: approvalStream(approvalId),
      replacement: approvalStream(replacementId),
      governance: modeStream,
    }),

    decide({ approvalId, replacementId, exactArguments }, states, { now, principal }) {
      const state = stillWaiting(approvalId, states.approval, now)
      if ('outcome' in state) return state
      if (states.replacement.status !== 'absent') return refused('approval_exists', { approvalId: replacementId })
      const { action, requestedBy, resumes } = state
      // What a prompt waits for has nothing to change.
      if (resumes !== null) return refused('action_unknown', { action })
      const proposal = proposed(findAction, action, exactArguments)
      if ('outcome' in proposal) return proposal
      const requested = requestedEvent(states.governance, now, {
        approvalId: replacementId,
        action,
        ...proposal.exact,
        ...proposal.stake,
        why: 'requested',
        requestedBy: Principal.parse(requestedBy),
        editedBy: principal,
        replaces: approvalId,
      })
      return {
        outcome: 'accepted',
        events: {
          approval: [{ type: 'ApprovalReplaced', data: { by: principal, replacedBy: replacementId } }],
          replacement: [requested],
        },
      }
    },
  })
