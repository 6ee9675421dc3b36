import { z } from 'zod'
import { type AccountEvent, accountStream } from '../../events/account.ts'
import { AccountId, Uuid7 } from '../../events/identifiers.ts'
import { account, forgottenAtMs, windowDueAtMs, type LiveAccount } from '../aggregates/account.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'
import { endOf, factorPercentOf, scaled } from '../return-window.ts'

/** One append stays small, however long the clock stood still. The account stays due until nothing is left. */
const maxAtOnce = 16

/**
 * Does what is due on an account by the clock: resolves the reservations that nothing settles any more, the oldest first, and scales the
 * limits of an agent by its return in the last window. Refused with `nothing_due` before its time. Source: domain rules, "Treasury".
 */
export const AdvanceAccount = defineCommand({ account })({
  name: 'AdvanceAccount',
  schema: z.strictObject({ account: AccountId }),
  reads: (command) => ({ account: accountStream(command.account) }),

  decide({ account: accountId }, states, { now }) {
    if (states.account.status === 'absent') return refused('account_unknown', { account: accountId })
    const nowMs = Date.parse(now)
    const due = [...expired(states.account, nowMs), ...adjusted(states.account, nowMs)]
    return due.length > 0 ? { outcome: 'accepted', events: { account: due } } : refused('nothing_due')
  },
})

/**
 * An expired reservation stays open for a while, because a late cost must find it; its money has been available again since its expiry.
 */
const expired = ({ reservations }: LiveAccount, nowMs: number): AccountEvent[] =>
  Object.entries(reservations)
    .filter(([, reservation]) => forgottenAtMs(reservation) <= nowMs)
    .toSorted(([, left], [, right]) => left.expiresAtMs - right.expiresAtMs)
    .slice(0, maxAtOnce)
    .map(([id, { amountMicros }]) => ({
      type: 'ReservationExpired',
      data: { reservationId: Uuid7.parse(id), amountMicros },
    }))

function adjusted(state: LiveAccount, nowMs: number): AccountEvent[] {
  const { limits, windows } = state
  const [window] = windows ?? []
  const dueAtMs = windowDueAtMs(state)
  if (!limits || !window || dueAtMs === null || dueAtMs > nowMs) return []
  const { from, earnedMicros, spentMicros } = window
  const factorPercent = factorPercentOf(window)
  const { dailyMicros, perActionMicros } = limits
  return [
    {
      type: 'AccountLimitsAdjusted',
      data: {
        from,
        to: endOf(window),
        earnedMicros,
        spentMicros,
        factorPercent,
        before: { dailyMicros, perActionMicros },
        ...scaled(limits, factorPercent),
      },
    },
  ]
}
