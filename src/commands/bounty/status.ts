import type { Bounty } from '../aggregates/bounty.ts'
import { refused, type Refusal } from '../refusals.ts'

/** The refusal of a command that does not fit the status of a bounty. */
export function statusProblem({ status }: Bounty): Refusal {
  if (status === 'absent') return refused('bounty_unknown')
  return status === 'finished' ? refused('bounty_finished') : refused('bounty_not_in_state', { status })
}
