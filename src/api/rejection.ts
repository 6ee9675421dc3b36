import type { Rejection, RejectionCode } from '../commands/gate/types.ts'
import type { Problem } from './problem.ts'

/** The response to each rejection of the gate. */
const rejections: Record<RejectionCode, { status: number; retryAfterSeconds?: number }> = {
  malformed_command: { status: 400 },
  command_id_reused: { status: 409 },
  id_expired: { status: 410 },
  id_ahead: { status: 400 },
  state_too_large: { status: 500 },
  overloaded: { status: 503, retryAfterSeconds: 1 },
  log_nearly_full: { status: 503, retryAfterSeconds: 30 },
  log_unavailable: { status: 503, retryAfterSeconds: 1 },
  outcome_unknown: { status: 503, retryAfterSeconds: 1 },
  // Until an operator intervenes.
  log_stopped: { status: 503, retryAfterSeconds: 30 },
  // Only the scheduler's own commands are given under a lease.
  fenced: { status: 503, retryAfterSeconds: 1 },
}

/** The problem of a command that the gate rejected. */
export const rejectionProblem = ({ code, message }: Rejection): Problem => ({
  ...rejections[code],
  code,
  detail: message,
})
