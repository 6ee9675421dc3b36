import type { AccountEvent, CreditPurpose } from '../../events/account.ts'
import { dayOf } from '../../events/day.ts'
import { AccountId } from '../../events/identifiers.ts'
import { availableMicros, type Account } from '../aggregates/account.ts'

export const reserveId = AccountId.parse('reserve')
export const overrunId = AccountId.parse('overrun')
export const spendId = AccountId.parse('spend')

type Movement = { transferId: string; amountMicros: number; reason: string; ref?: string }
type Payers = { reserve: Account; overrun: Account; spend: Account }

/**
 * Pays an incurred cost to `spend`: from the reserve's available money, and the rest from `overrun`. It is never refused, even while
 * the reserve is frozen. Source: domain rules, "Treasury".
 */
export function paidCost(
  movement: Movement,
  { reserve, overrun, spend }: Payers,
  now: string,
): Record<keyof Payers, AccountEvent[]> {
  const { amountMicros } = movement
  const fromReserve = Math.min(amountMicros, availableMicros(reserve, now))
  return {
    reserve: debit(movement, fromReserve, now),
    overrun: openedFor(overrunId, overrun, debit(movement, amountMicros - fromReserve, now)),
    spend: openedFor(spendId, spend, credit(movement, now)),
  }
}

/** A debit of a part of a movement; none for an amount of 0. */
export const debit = (movement: Movement, amountMicros: number, now: string): AccountEvent[] =>
  amountMicros > 0 ? [{ type: 'AccountDebited', data: { ...movement, amountMicros, day: dayOf(now) } }] : []

export const credit = (movement: Movement, now: string, purpose?: CreditPurpose): AccountEvent[] =>
  movement.amountMicros > 0
    ? [{ type: 'AccountCredited', data: { ...movement, ...(purpose && { purpose }), day: dayOf(now) } }]
    : []

/** Opens the account first if needed, so that a cost never waits for it. */
export const openedFor = (accountId: AccountId, state: Account, events: AccountEvent[]): AccountEvent[] =>
  state.status === 'absent' && events.length > 0 ? [{ type: 'AccountOpened', data: { accountId } }, ...events] : events
