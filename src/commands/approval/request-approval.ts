import { z } from 'zod'
import { approvalStream, Risk, risks, type ApprovalEvent } from '../../events/approval.ts'
import { Micros } from '../../events/amounts.ts'
import { isAgent, Principal, Uuid7 } from '../../events/identifiers.ts'
import { modeStream } from '../../events/governance.ts'
import { approval } from '../aggregates/approval.ts'
import { governance, waitReason } from '../aggregates/governance.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { requestedEvent } from './governed.ts'
import { GivenArguments } from './given-arguments.ts'
import { proposed, type FindAction } from './proposed.ts'

/**
 * Proposes an action: a command and its exact arguments. An agent's action runs at once if the mode lets it; an action that a person
 * proposes always waits for another person. The action costs and risks at least what its command says.
 */
export const requestApproval = (findAction: FindAction) =>
  defineCommand({ approval, governance })({
    name: 'RequestApproval',
    schema: z.strictObject({
      approvalId: Uuid7,
      action: z.string().min(1).max(64),
      exactArguments: GivenArguments,
      costMicros: Micros.default(0),
      risk: Risk.default('low'),
    }),
    recordsRefusals: true,
    reads: ({ approvalId }) => ({ approval: approvalStream(approvalId), governance: modeStream }),
    isGoverned: true,

    decide({ approvalId, action, exactArguments, costMicros, risk }, states, { now, principal }) {
      if (states.approval.status !== 'absent') return refused('approval_exists', { approvalId })
      const proposal = proposed(findAction, action, exactArguments)
      if ('outcome' in proposal) return proposal
      const stake = {
        costMicros: Math.max(costMicros, proposal.stake.costMicros),
        risk: risks[Math.max(risks.indexOf(risk), risks.indexOf(proposal.stake.risk))] ?? risk,
      }
      const why = isAgent(principal) ? waitReason(states.governance, stake) : 'requested'
      const { exact } = proposal
      const requested: ApprovalEvent = requestedEvent(states.governance, now, {
        approvalId,
        action,
        ...exact,
        ...stake,
        why,
        requestedBy: principal,
      })
      if (why !== 'none') return { outcome: 'accepted', events: { approval: [requested] } }
      const by = Principal.parse(`mode:${states.governance.mode}`)
      return {
        outcome: 'accepted',
        events: {
          approval: [requested, { type: 'ApprovalGranted', data: { by, argumentsHash: exact.argumentsHash } }],
        },
        jobs: [{ kind: 'act', on: approvalStream(approvalId) }],
      }
    },
  })
