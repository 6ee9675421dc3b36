/** Why a command may be refused. Stable: clients rely on the codes, `docs/errors.md` explains each. */
export const refusalCodes = [
  'account_exists',
  'account_frozen',
  'account_unknown',
  'action_limit_exceeded',
  'already_frozen',
  'amount_too_large',
  'attempt_superseded',
  'attempts_exhausted',
  'budget_exceeded',
  'call_exists',
  'call_not_open',
  'calls_still_open',
  'daily_limit_exceeded',
  'expiry_out_of_range',
  'insufficient_funds',
  'not_frozen',
  'path_unavailable',
  'prompt_exists',
  'prompt_finished',
  'prompt_unknown',
  'reservation_exists',
  'reservation_not_open',
  'same_account',
  'too_many_reservations',
  'treasury_frozen',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

export type Refusal = { outcome: 'refused'; code: RefusalCode; details?: Record<string, string | number> }

export const refused = (code: RefusalCode, details?: Record<string, string | number>): Refusal =>
  details ? { outcome: 'refused', code, details } : { outcome: 'refused', code }
