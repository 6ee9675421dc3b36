/** Why a command may be refused. Stable: clients rely on the codes, `docs/errors.md` explains each. */
export const refusalCodes = [
  'attempt_superseded',
  'attempts_exhausted',
  'budget_exceeded',
  'call_exists',
  'call_not_open',
  'calls_still_open',
  'path_unavailable',
  'prompt_exists',
  'prompt_finished',
  'prompt_unknown',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

export type Refusal = { outcome: 'refused'; code: RefusalCode; details?: Record<string, string | number> }

export const refused = (code: RefusalCode, details?: Record<string, string | number>): Refusal => (details ? { outcome: 'refused', code, details } : { outcome: 'refused', code })
