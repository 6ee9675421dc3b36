import { z } from 'zod'
import { type AccountEvent, accountStream } from '../../events/account.ts'
import { AccountId, Uuid7 } from '../../events/identifiers.ts'
import { account, forgottenAtMs } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** One append stays small, however long the clock stood still. The account stays due until nothing is left. */
const maxAtOnce = 16

/**
 * Resolves the reservations that nothing settles any more, the oldest first. Until then an expired one stays open, because a late cost
 * must find it; its money has been available again since its expiry. Source: domain rules, "Treasury".
 */
export const ExpireReservations = defineCommand({ account })({
  name: 'ExpireReservations',
  schema: z.strictObject({ account: AccountId }),
  reads: (command) => ({ account: accountStream(command.account) }),

  decide({ account: accountId }, states, { now }) {
    if (states.account.status === 'absent') return refused('account_unknown', { account: accountId })
    const nowMs = Date.parse(now)
    const forgotten = Object.entries(states.account.reservations)
      .filter(([, reservation]) => forgottenAtMs(reservation) <= nowMs)
      .toSorted(([, left], [, right]) => left.expiresAtMs - right.expiresAtMs)
    if (forgotten.length === 0) return refused('nothing_due')
    const expired = forgotten
      .slice(0, maxAtOnce)
      .map(([id, { amountMicros }]): AccountEvent => ({
        type: 'ReservationExpired',
        data: { reservationId: Uuid7.parse(id), amountMicros },
      }))
    return { outcome: 'accepted', events: { account: expired } }
  },
})
