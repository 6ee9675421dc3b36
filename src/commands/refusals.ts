import type { AccountId } from '../events/identifiers.ts'
import type { OnExceed } from '../events/policy.ts'

/** The fields that explain refusals. A field has one type and one meaning in all of them. */
type Fields = {
  account: AccountId
  agent: string
  action: string
  amountMicros: number
  approvalId: string
  attempts: number
  availableMicros: number
  callId: string
  calls: number
  dailyMicros: number
  deadline: string
  expiresAt: string
  latest: string
  limit: number
  member: string
  missingScopes: string
  mode: string
  models: string
  nextDay: string
  onExceed: OnExceed
  open: number
  perActionMicros: number
  priceRef: string
  reason: string
  reservationId: string
  reservedMicros: number
  scope: string
  scopes: string
  spentMicros: number
  status: string
  subject: string
  tokenId: string
  worker: string
}

/** Every reason to refuse a command, with the fields of its details. Codes are stable: `docs/errors.md` explains each. */
const detailFields = {
  account_exists: ['account'],
  account_frozen: ['account'],
  account_unknown: ['account'],
  action_limit_exceeded: ['account', 'amountMicros', 'perActionMicros'],
  action_malformed: ['action', 'reason'],
  action_unknown: ['action'],
  agent_exists: ['agent'],
  already_frozen: ['account'],
  already_seated: [],
  already_voted: [],
  amount_too_large: ['amountMicros'],
  approval_decided: ['approvalId'],
  approval_exists: ['approvalId'],
  approval_expired: ['approvalId'],
  approval_not_granted: ['approvalId'],
  approval_unknown: ['approvalId'],
  approver_not_independent: ['approvalId'],
  arguments_differ: ['approvalId'],
  attempt_superseded: [],
  attempts_exhausted: ['attempts'],
  ballot_invalid: ['reason'],
  bounty_exists: [],
  bounty_finished: [],
  bounty_not_in_state: ['status'],
  bounty_unknown: [],
  budget_day_over: ['scope'],
  budget_exceeded: [
    ...(['scope', 'dailyMicros', 'spentMicros', 'reservedMicros', 'availableMicros', 'amountMicros'] as const),
    ...(['nextDay', 'onExceed', 'calls', 'models', 'scopes'] as const),
  ],
  call_exists: ['callId'],
  call_not_open: ['callId'],
  calls_still_open: ['calls'],
  claim_expired: ['expiresAt'],
  daily_limit_exceeded: ['account', 'amountMicros', 'dailyMicros', 'spentMicros', 'reservedMicros', 'nextDay'],
  deadline_out_of_range: ['deadline', 'latest'],
  deadline_passed: ['deadline'],
  election_closed: [],
  election_exists: [],
  election_invalid: ['reason'],
  election_unknown: [],
  escrow_locked: ['account'],
  expiry_out_of_range: ['expiresAt', 'latest'],
  insufficient_funds: ['account', 'availableMicros', 'amountMicros'],
  judging_not_open: [],
  mode_unchanged: ['mode'],
  not_for_agents: [],
  not_frozen: ['account'],
  not_in_electorate: [],
  not_the_worker: ['worker'],
  nothing_due: [],
  price_changed: ['priceRef'],
  prompt_exists: [],
  prompt_finished: [],
  prompt_paused: ['approvalId'],
  prompt_unknown: [],
  reservation_exists: ['reservationId'],
  reservation_not_open: ['account', 'reservationId'],
  same_account: ['account'],
  too_many_reservations: ['account', 'open', 'limit'],
  scopes_exceed_issuer: ['missingScopes'],
  scopes_not_for_agents: ['missingScopes'],
  step_exists: ['member'],
  subject_not_allowed: ['subject'],
  token_exists: ['tokenId'],
  token_expired: ['tokenId'],
  token_revoked: ['tokenId'],
  token_unknown: ['tokenId'],
  too_many_issuers: ['limit'],
  treasury_frozen: [],
} as const satisfies Record<string, readonly (keyof Fields)[]>

export type RefusalCode = keyof typeof detailFields
export const refusalCodes = Object.keys(detailFields) as readonly RefusalCode[]

type Details<Code extends RefusalCode> = Pick<Fields, (typeof detailFields)[Code][number]>
/** These have details for an account, and none for the whole treasury. */
type WithoutDetails = 'already_frozen' | 'not_frozen'
type DetailsArgument<Code extends RefusalCode> = (typeof detailFields)[Code] extends readonly []
  ? []
  : Code extends WithoutDetails
    ? [details?: Details<Code>]
    : [details: Details<Code>]

export type Refusal = { outcome: 'refused'; code: RefusalCode; details?: Record<string, string | number> }

/** Refuses a command. The code determines the type of its details. */
export const refused = <Code extends RefusalCode>(code: Code, ...[details]: DetailsArgument<Code>): Refusal =>
  details ? { outcome: 'refused', code, details } : { outcome: 'refused', code }
