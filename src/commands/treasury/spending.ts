import { availableMicros, reservedMicros, spentMicros, type Account, type LiveAccount } from '../aggregates/account.ts'
import type { AccountId } from '../../events/identifiers.ts'
import { dayOf, startOfNextDay } from '../../events/day.ts'
import { refused, type Refusal } from '../refusals.ts'

export type Usable = { account: LiveAccount; refusal: null } | { refusal: Refusal }

/** The account, if it can take part in a transfer: it exists and is not frozen. */
export function usable(accountId: AccountId, account: Account): Usable {
  if (account.status === 'absent') return { refusal: refused('account_unknown', { account: accountId }) }
  if (account.status === 'frozen') return { refusal: refused('account_frozen', { account: accountId }) }
  return { account, refusal: null }
}

/**
 * Why an account may not transfer or reserve an amount; null if it may. Reservations count as spent, against the balance and the
 * daily limit, so concurrent requests never overspend. Only `external`, the source of funding, may go below zero.
 */
export function spendingProblem(account: LiveAccount, amountMicros: number, now: string): Refusal | null {
  const { accountId, limits } = account
  if (limits && amountMicros > limits.perActionMicros)
    return refused('action_limit_exceeded', {
      account: accountId,
      amountMicros,
      perActionMicros: limits.perActionMicros,
    })
  const day = dayOf(now)
  const spent = spentMicros(account, day)
  const reserved = reservedMicros(account, now)
  if (limits && amountMicros > limits.dailyMicros - spent - reserved)
    return refused('daily_limit_exceeded', {
      account: accountId,
      amountMicros,
      dailyMicros: limits.dailyMicros,
      spentMicros: spent,
      reservedMicros: reserved,
      nextDay: startOfNextDay(day),
    })
  const available = availableMicros(account, now)
  if (accountId !== 'external' && amountMicros > available)
    return refused('insufficient_funds', { account: accountId, availableMicros: available, amountMicros })
  return null
}
