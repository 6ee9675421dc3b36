import { bountyStream } from '../../events/bounty.ts'
import { Uuid7, type AccountId, type StreamName } from '../../events/identifiers.ts'
import type { Bounty } from '../aggregates/bounty.ts'

const prefix = 'bounty:'

/** The bounty whose escrow an account may be; null for every other account. */
export function bountyOfEscrow(accountId: AccountId): StreamName<'bounty'> | null {
  const id = Uuid7.safeParse(accountId.startsWith(prefix) ? accountId.slice(prefix.length) : '')
  return id.success ? bountyStream(id.data) : null
}

/**
 * Whether an escrow holds the money of an unfinished bounty. It then pays and reserves nothing else, so that the council always has
 * what it has promised, and the escrow ends at 0.
 */
export const isLocked = ({ status }: Bounty): boolean =>
  status !== 'absent' && status !== 'proposed' && status !== 'finished'
