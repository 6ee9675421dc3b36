import type { AccountEvent } from '../../events/account.ts'
import { commandWindowMs, type AccountId } from '../../events/identifiers.ts'
import type { Aggregate } from '../decider.ts'
import { endOf, movedOn, type ReturnWindow } from '../return-window.ts'

/** This many reservations stay below the limit on a state's size, even with every id and number at its longest. */
export const maxOpenReservations = 500

/** The defaults: $100 a day, $10 an action. Source: domain rules, "Defaults for an agent". */
export const defaultAgentLimits = { dailyMicros: 100_000_000, perActionMicros: 10_000_000 }

export type Reservation = { amountMicros: number; expiresAtMs: number }

/** An open account. It keeps totals and only open reservations, so a hot account stays small. */
export type LiveAccount = {
  status: 'open' | 'frozen'
  accountId: AccountId
  balanceMicros: number
  /** By id. An expired one remains until it is settled, released or forgotten. */
  reservations: Record<string, Reservation>
  /** Null: no limits. */
  limits: { dailyMicros: number; perActionMicros: number } | null
  /** The debits of the latest day with a debit (`yyyy-mm-dd`, UTC). */
  spent: { day: string; micros: number }
  /** The returns of an agent that the clock has not acted on, oldest first. Null until a movement says when money was earned. */
  windows: ReturnWindow[] | null
}

/**
 * When nothing can settle a reservation any more, in epoch ms. A late cost must find its reservation for as long as the command that
 * settles it may be repeated, which is as long as its id is remembered. Its money is available again at `expiresAtMs` already.
 */
export const forgottenAtMs = ({ expiresAtMs }: Reservation): number => expiresAtMs + commandWindowMs + 1

export type Account = { status: 'absent' } | LiveAccount

export const account: Aggregate<Account, AccountEvent, 'account'> = {
  category: 'account',
  stateVersion: 2,
  initial: { status: 'absent' },
  evolve,
  nextDeadlineMs(state) {
    if (state.status === 'absent') return null
    const dueAtMs = [...Object.values(state.reservations).map(forgottenAtMs), windowDueAtMs(state) ?? Infinity]
    const firstMs = Math.min(...dueAtMs)
    return Number.isFinite(firstMs) ? firstMs : null
  },
}

/** Throws on an inconsistent sequence of events, such as an overdraft or a reservation that is resolved twice. */
function evolve(state: Account, event: AccountEvent): Account {
  if (event.type === 'AccountOpened') return opened(event.data.accountId)
  if (state.status === 'absent') throw new Error(`${event.type} on an account that was never opened`)
  switch (event.type) {
    case 'AccountCredited':
      return credited(state, event.data)
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
    case 'AccountLimitsAdjusted': {
      const { dailyMicros, perActionMicros } = event.data
      return { ...state, limits: { dailyMicros, perActionMicros }, windows: state.windows?.slice(1) ?? null }
    }
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
  windows: null,
})

type Credit = Extract<AccountEvent, { type: 'AccountCredited' }>['data']

/** An agent earns what others transfer or award to it; its seed and refunds are no earnings. */
function credited(state: LiveAccount, { amountMicros, purpose, day }: Credit): LiveAccount {
  const balanceMicros = exact(state.balanceMicros + amountMicros)
  if (day === undefined || !state.accountId.startsWith('agent:')) return { ...state, balanceMicros }
  const earnedMicros = purpose === 'seed' || purpose === 'refund' ? 0 : amountMicros
  return { ...state, balanceMicros, windows: movedOn(state.windows ?? [], day, { earnedMicros }) }
}

/** When the clock must scale an agent's limits, in epoch ms: after a window in which it has spent money. Null: never. */
export function windowDueAtMs({ limits, windows }: LiveAccount): number | null {
  const [window] = windows ?? []
  return limits && window && window.spentMicros > 0 ? Date.parse(endOf(window)) : null
}

/** A debit from a clock that is still before midnight counts for the newest day, so it never resets a daily limit. */
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
    windows: state.windows && movedOn(state.windows, day, { spentMicros: amountMicros }),
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

/** The debits of a day; 0 for a day without one. */
export const spentMicros = ({ spent }: LiveAccount, day: string): number => (day > spent.day ? 0 : spent.micros)

export const isExpired = ({ expiresAtMs }: Reservation, now: string): boolean => expiresAtMs < Date.parse(now)

/** The reserved amount at a time (ISO 8601 UTC). Excludes expired reservations and the one in `apartFrom`. */
export function reservedMicros({ reservations }: LiveAccount, now: string, apartFrom?: string): number {
  let sum = 0
  for (const [id, reservation] of Object.entries(reservations))
    if (id !== apartFrom && !isExpired(reservation, now)) sum += reservation.amountMicros
  return sum
}

/** The amount that can be reserved or transferred: balance − reserved, at least 0, in micro-dollars. 0 for an absent account. */
export const availableMicros = (state: Account, now: string, apartFrom?: string): number =>
  state.status === 'absent' ? 0 : Math.max(0, state.balanceMicros - reservedMicros(state, now, apartFrom))
