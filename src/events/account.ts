import { z } from 'zod'
import { Micros, PositiveMicros } from './amounts.ts'
import { isEventOf, type EventOf } from './event.ts'
import { AccountId, Uuid7, type StreamName } from './identifiers.ts'

/**
 * `account/<accountId>`: an account of the treasury. Every movement is a debit and a credit of the same amount under the same
 * `transferId`, in one append, so the sum over all accounts is always 0. Source: seed stories 11.2 and 21.1.
 */
export const maxReasonCharacters = 500
const reason = z.string().min(1).max(maxReasonCharacters)

/** The name that a command gives a movement, the same on both sides; not unique. */
export const TransferId = z.string().regex(/^[A-Za-z0-9:_.-]{1,64}$/)

const movement = {
  transferId: TransferId,
  amountMicros: PositiveMicros,
  reason,
  ref: z.string().min(1).max(128).optional(),
}
const reservation = { reservationId: Uuid7, amountMicros: PositiveMicros }

/** A cost and the accounts that bore it: the three parts add up to it. `aboveMicros` is the part above the reservation. */
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
  AccountOpened: { version: 1, summary: 'An account was opened.', data: z.strictObject({ accountId: AccountId }) },
  AccountDebited: {
    version: 1,
    summary: 'Money left the account. `day` (UTC) is the day whose limit the debit counts against.',
    data: z.strictObject({ ...movement, day: z.iso.date() }),
  },
  AccountCredited: { version: 1, summary: 'Money arrived on the account.', data: z.strictObject(movement) },
  FundsReserved: {
    version: 1,
    summary: 'Money was set aside for a cost that is not known yet.',
    data: z.strictObject({ ...reservation, expiresAt: z.iso.datetime() }),
  },
  ReservationSettled: {
    version: 1,
    summary:
      'The cost became known before the reservation expired. Its money moves in the debits of the same append, under the id of the reservation.',
    data: z.strictObject(settlement),
  },
  LateCostSettled: {
    version: 1,
    summary: 'The cost became known after the reservation expired; others could use the money in between.',
    data: z.strictObject(settlement),
  },
  ReservationReleased: {
    version: 1,
    summary: 'The reservation was given up without a cost.',
    data: z.strictObject(reservation),
  },
  ReservationExpired: {
    version: 1,
    summary: 'The reservation expired unsettled, and no command about it can still arrive.',
    data: z.strictObject(reservation),
  },
  AccountFrozen: {
    version: 1,
    summary: 'The account was frozen: it starts no spending.',
    data: z.strictObject({ reason }),
  },
  AccountUnfrozen: { version: 1, summary: 'The account was unfrozen.', data: z.strictObject({ reason }) },
  AccountLimitsSet: {
    version: 1,
    summary: 'The limits for a day and for a single action were set.',
    data: z.strictObject({ dailyMicros: Micros, perActionMicros: Micros }),
  },
} as const

export type AccountEvent = EventOf<typeof accountEvents>
export const isAccountEvent = isEventOf(accountEvents)

export const accountStream = (accountId: AccountId) => `account/${accountId}` as StreamName<'account'>
