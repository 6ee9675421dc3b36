import { z } from 'zod'
import { maxReasonCharacters } from './account.ts'
import { Micros } from './amounts.ts'
import { isEventOf, type EventOf } from './event.ts'
import { Principal, type StreamName } from './identifiers.ts'

/**
 * `governance/mode`: how much agents may do without a person. `manual`: every action waits. `supervised`: an action waits that costs the
 * threshold or more, or cannot be undone. `autonomous`: no action waits. Source: domain rules, "Governance".
 */
export const modes = ['manual', 'supervised', 'autonomous'] as const
export const Mode = z.enum(modes)
export type Mode = z.infer<typeof Mode>

const reason = z.string().min(1).max(maxReasonCharacters)

/** The longest time that an action may wait for a person, in seconds: 30 days. */
const maxApprovalSeconds = 30 * 86_400

/** When actions wait, and for how long. */
export const approvalTerms = {
  /** In supervised mode, an action that costs this much or more waits. */
  thresholdMicros: Micros,
  /** In manual mode, whether final answers wait too. */
  approveAnswers: z.boolean(),
  /** How long a person may take to decide; after that the answer is no. */
  timeoutSeconds: z.int().min(1).max(maxApprovalSeconds),
}

export const governanceEvents = {
  ModeSwitched: {
    version: 1,
    summary: 'The mode was switched. It holds for every action that has not run yet.',
    data: z.strictObject({ from: Mode, to: Mode, reason, by: Principal }),
  },
  ApprovalPolicySet: {
    version: 1,
    summary: 'The rules were set by which actions and answers wait for a person.',
    data: z.strictObject({ ...approvalTerms, by: Principal }),
  },
} as const

export type GovernanceEvent = EventOf<typeof governanceEvents>
export const isGovernanceEvent = isEventOf(governanceEvents)

export const modeStream = 'governance/mode' as StreamName<'governance'>
