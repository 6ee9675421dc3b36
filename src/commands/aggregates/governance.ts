import { modeStream, type Mode, type GovernanceEvent } from '../../events/governance.ts'
import type { Stake, WaitReason } from '../../events/approval.ts'
import type { Aggregate } from '../decider.ts'

/** The mode, and the rules by which actions wait for a person. */
export type Governance = { mode: Mode; thresholdMicros: number; approveAnswers: boolean; timeoutSeconds: number }

/** Before anything is set: supervised, $50, a day. Source: domain rules, "Governance". */
const defaults: Governance = {
  mode: 'supervised',
  thresholdMicros: 50_000_000,
  approveAnswers: false,
  timeoutSeconds: 86_400,
}

export const governance: Aggregate<Governance, GovernanceEvent, 'governance'> = {
  category: 'governance',
  stateVersion: 1,
  onlyStream: modeStream,
  initial: defaults,
  evolve(state, event) {
    switch (event.type) {
      case 'ModeSwitched':
        return { ...state, mode: event.data.to }
      case 'ApprovalPolicySet': {
        const { thresholdMicros, approveAnswers, timeoutSeconds } = event.data
        return { ...state, thresholdMicros, approveAnswers, timeoutSeconds }
      }
      default:
        return event satisfies never
    }
  },
}

/** Why an agent's action waits for a person; `none` if it may run. */
export function waitReason({ mode: current, thresholdMicros }: Governance, { costMicros, risk }: Stake): WaitReason {
  switch (current) {
    case 'manual':
      return 'manual_mode'
    case 'supervised':
      if (risk === 'irreversible') return 'irreversible'
      return costMicros >= thresholdMicros ? 'over_threshold' : 'none'
    case 'autonomous':
      return 'none'
    default:
      return current satisfies never
  }
}

/** Whether a final answer waits for a person. */
export const holdsAnswers = ({ mode: current, approveAnswers }: Governance): boolean =>
  current === 'manual' && approveAnswers

/** When an action that is proposed now expires, ISO 8601 UTC. */
export const expiryOf = ({ timeoutSeconds }: Governance, now: string): string =>
  new Date(Date.parse(now) + timeoutSeconds * 1000).toISOString()
