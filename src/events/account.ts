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
export const creditPurposes = ['seed', 'award', 'refund'] as const
export type CreditPurpose = (typeof creditPurposes)[number]

const reservation = { reservationId: Uuid7, amountMicros: PositiveMicros }

const limits = { dailyMicros: Micros, perActionMicros: Micros }

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
  AccountCredited: {
    version: 2,
    summary:
      'Money arrived on the account. Version 2 added the `day` (UTC), and the `purpose` of money that no transfer brought: the seed of an agent, an award, or a refund.',
    data: z.strictObject({ ...movement, purpose: z.enum(creditPurposes).optional(), day: z.iso.date().optional() }),
  },
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
    data: z.strictObject(limits),
  },
  AccountLimitsAdjusted: {
    version: 1,
    summary:
      'The return of an agent in a window of seven days, `from` a day up to and without the day `to` (UTC), has scaled its limits.',
    data: z.strictObject({
      from: z.iso.date(),
      to: z.iso.date(),
      earnedMicros: Micros,
      spentMicros: PositiveMicros,
      factorPercent: z.int().positive(),
      before: z.strictObject(limits),
      ...limits,
    }),
  },
} as const

export type AccountEvent = EventOf<typeof accountEvents>
export const isAccountEvent = isEventOf(accountEvents)

export const accountStream = (accountId: AccountId) => `account/${accountId}` as StreamName<'account'>
