import { z } from 'zod'
import { Micros } from './amounts.ts'
import { isEventOf, type EventOf } from './event.ts'
import { Uuid7, type StreamName } from './identifiers.ts'

/**
 * Whose money it is: `reserve` (the central reserve), `agent:<id>`, `bounty:<id>` (escrow), `spend` (what models and tools
 * cost), `external` (where funding comes from), `overrun` (incurred cost that nothing else could cover).
 */
export type AccountId = string & { readonly __brand: 'AccountId' }
const accountPattern = /^(reserve|spend|external|overrun|(agent|bounty):[A-Za-z0-9_.-]{1,64})$/
export const AccountId = z.custom<AccountId>(
  (value) => typeof value === 'string' && accountPattern.test(value),
  'must be reserve, spend, external, overrun, agent:<id> or bounty:<id>',
)

/**
 * `account/<accountId>`: money of the treasury. Every movement is a debit and a credit of the same amount under the same
 * `transferId`, in one append, so the sum over all accounts is always 0. Source: seed stories 11.2 and 21.1.
 */
export const maxReasonCharacters = 500
const reason = z.string().min(1).max(maxReasonCharacters)

/** What a movement is called by its maker, the same on both sides; not unique. */
export const TransferId = z.string().regex(/^[A-Za-z0-9:_.-]{1,64}$/)

/** Amounts that move are positive on both sides; the event's type says in which direction. */
export const PositiveMicros = z.int().positive()

const movement = {
  transferId: TransferId,
  amountMicros: PositiveMicros,
  reason,
  ref: z.string().min(1).max(128).optional(),
}
const reservation = { reservationId: Uuid7, amountMicros: PositiveMicros }

/** What a cost came to and who bore it: the three parts are the whole. `aboveMicros` is what the reservation did not cover. */
const settlement = {
  reservationId: Uuid7,
  reservedMicros: PositiveMicros,
  actualMicros: Micros,
  aboveMicros: Micros,
  fromAccountMicros: Micros,
  fromReserveMicros: Micros,
  fromOverrunMicros: Micros,
}

export const accountEvents = {
  AccountOpened: { version: 1, data: z.strictObject({ accountId: AccountId }) },
  /** `day` (UTC) is the one whose limit it counts against. */
  AccountDebited: { version: 1, data: z.strictObject({ ...movement, day: z.iso.date() }) },
  AccountCredited: { version: 1, data: z.strictObject(movement) },
  FundsReserved: { version: 1, data: z.strictObject({ ...reservation, expiresAt: z.iso.datetime() }) },
  /** The cost is known in time. Its money moves in the debits of the same append, under the reservation's id. */
  ReservationSettled: { version: 1, data: z.strictObject(settlement) },
  /** The same, after the reservation's expiry: the money was free for others meanwhile. */
  LateCostSettled: { version: 1, data: z.strictObject(settlement) },
  ReservationReleased: { version: 1, data: z.strictObject(reservation) },
  /** Nobody settled it, and no command about it can still be on its way. */
  ReservationExpired: { version: 1, data: z.strictObject(reservation) },
  AccountFrozen: { version: 1, data: z.strictObject({ reason }) },
  AccountUnfrozen: { version: 1, data: z.strictObject({ reason }) },
  AccountLimitsSet: { version: 1, data: z.strictObject({ dailyMicros: Micros, perActionMicros: Micros }) },
} as const

export type AccountEvent = EventOf<typeof accountEvents>
export const isAccountEvent = isEventOf(accountEvents)

export const accountStream = (accountId: AccountId) => `account/${accountId}` as StreamName<'account'>
