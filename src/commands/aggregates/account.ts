import type { AccountEvent, AccountId } from '../../events/account.ts'
import type { Aggregate } from '../decider.ts'

/** With its keys and figures at their longest, so many reservations stay below the limit on a state's size. */
export const maxOpenReservations = 500

/** While nobody has set others: $100 a day, $10 an action. Source: domain rules, "Defaults for an agent". */
export const defaultAgentLimits = { dailyMicros: 100_000_000, perActionMicros: 10_000_000 }

export type Reservation = { amountMicros: number; expiresAtMs: number }

/** An account that was opened: totals, and open reservations only, so that a hot account stays small. */
export type LiveAccount = {
  status: 'open' | 'frozen'
  accountId: AccountId
  balanceMicros: number
  /** By id. One that has expired stays until it is settled, released or swept: a late cost must find it. */
  reservations: Record<string, Reservation>
  /** Null: none are set. */
  limits: { dailyMicros: number; perActionMicros: number } | null
  /** Debits of the newest day (`yyyy-mm-dd`, UTC) on which there was one. */
  spent: { day: string; micros: number }
}

export type Account = { status: 'absent' } | LiveAccount

export const account: Aggregate<Account, AccountEvent, 'account'> = {
  category: 'account',
  stateVersion: 1,
  initial: { status: 'absent' },
  evolve,
}

/** Throws where events do not follow each other: an overdrawn account, a reservation that is resolved twice. */
function evolve(state: Account, event: AccountEvent): Account {
  if (event.type === 'AccountOpened') return opened(event.data.accountId)
  if (state.status === 'absent') throw new Error(`${event.type} on an account that was never opened`)
  switch (event.type) {
    case 'AccountCredited':
      return { ...state, balanceMicros: exact(state.balanceMicros + event.data.amountMicros) }
    case 'AccountDebited':
      return debited(state, event.data)
    case 'FundsReserved': {
      const { reservationId, amountMicros, expiresAt } = event.data
      if (state.reservations[reservationId]) throw new Error(`reservation ${reservationId} is open already`)
      return {
        ...state,
        reservations: { ...state.reservations, [reservationId]: { amountMicros, expiresAtMs: Date.parse(expiresAt) } },
      }
    }
    case 'ReservationSettled':
    case 'LateCostSettled':
    case 'ReservationReleased':
    case 'ReservationExpired':
      return without(state, event.data.reservationId)
    case 'AccountFrozen':
      return { ...state, status: 'frozen' }
    case 'AccountUnfrozen':
      return { ...state, status: 'open' }
    case 'AccountLimitsSet':
      return { ...state, limits: event.data }
    default:
      return event satisfies never
  }
}

const opened = (accountId: AccountId): LiveAccount => ({
  status: 'open',
  accountId,
  balanceMicros: 0,
  reservations: {},
  limits: null,
  spent: { day: '', micros: 0 },
})

/** A clock that lags behind midnight never makes a used-up day whole again: its debits count for the newest day. */
function debited(state: LiveAccount, { amountMicros, day }: { amountMicros: number; day: string }): LiveAccount {
  const { accountId, spent } = state
  const balanceMicros = exact(state.balanceMicros - amountMicros)
  if (balanceMicros < 0 && accountId !== 'external' && accountId !== 'overrun')
    throw new Error(`${accountId} would be overdrawn`)
  const before = spentMicros(state, day)
  return {
    ...state,
    balanceMicros,
    spent: { day: day > spent.day ? day : spent.day, micros: Math.min(before + amountMicros, Number.MAX_SAFE_INTEGER) },
  }
}

function exact(micros: number): number {
  if (!Number.isSafeInteger(micros)) throw new Error('a balance would pass what can be counted exactly')
  return micros
}

function without(state: LiveAccount, reservationId: string): LiveAccount {
  const { [reservationId]: resolved, ...reservations } = state.reservations
  if (!resolved) throw new Error(`reservation ${reservationId} is not open`)
  return { ...state, reservations }
}

/** What was debited on a day: 0 on a day that has just begun. */
export const spentMicros = ({ spent }: LiveAccount, day: string): number => (day > spent.day ? 0 : spent.micros)

export const isExpired = ({ expiresAtMs }: Reservation, now: string): boolean => expiresAtMs < Date.parse(now)

/** What is promised at a moment (ISO 8601 UTC), apart from one reservation if it is named. Expired promises do not count. */
export function reservedMicros({ reservations }: LiveAccount, now: string, apartFrom?: string): number {
  let sum = 0
  for (const [id, reservation] of Object.entries(reservations))
    if (id !== apartFrom && !isExpired(reservation, now)) sum += reservation.amountMicros
  return sum
}

/** What may still be promised or moved away: balance − reserved, never below 0, in micro-dollars. Nothing on an account that is absent. */
export const availableMicros = (state: Account, now: string, apartFrom?: string): number =>
  state.status === 'absent' ? 0 : Math.max(0, state.balanceMicros - reservedMicros(state, now, apartFrom))

/** The day (UTC) whose limit counts at a moment. */
export const dayOf = (now: string): string => now.slice(0, 10)
