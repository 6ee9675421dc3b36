import { z } from 'zod'
import { Micros, TokenCount, UsageSource } from './amounts.ts'
import { isEventOf, type EventOf } from './event.ts'
import { streamNameIn } from './identifiers.ts'
import { BudgetScope, budgetTerms } from './policy.ts'

/**
 * `budget/<scope>/<yyyy-mm-dd>`: the spending of a scope (the council, a user, an agent) on models and tools in a day.
 * It has two phases: a reservation before a call, and a debit of the actual cost after it. Source: seed stories 20.1 and 20.2.
 */
export const BudgetStream = streamNameIn('budget')
export type BudgetStream = z.infer<typeof BudgetStream>

/** The budget of a scope for one day, `yyyy-mm-dd` in the time zone of its policy. */
export const budgetStream = (scope: string, day: string): BudgetStream => BudgetStream.parse(`budget/${scope}/${day}`)

/** From this version of `BudgetDebited` on, the ledger pays for a call in the same append. */
export const firstPaidVersion = 3

const callId = z.string().min(1).max(128)
const requestId = z.string().max(64)
/** The first instant of the next day in the time zone of the policy, as an instant in UTC: the budget reopens then. */
const closesAt = z.iso.datetime()

export const budgetEvents = {
  BudgetOpened: {
    version: 1,
    summary: 'The first use of the day opened the budget on the terms of the standing policy.',
    data: z.strictObject({
      scope: BudgetScope,
      day: z.iso.date(),
      ...budgetTerms,
      opensAt: z.iso.datetime(),
      closesAt,
    }),
  },
  BudgetAdjusted: {
    version: 1,
    summary: 'The standing policy has changed: the day continues on the new terms.',
    data: z.strictObject({ ...budgetTerms, closesAt }),
  },
  BudgetReserved: {
    version: 1,
    summary: 'Money was set aside for a model call.',
    data: z.strictObject({
      callId,
      requestId,
      model: z.string().max(256),
      amountMicros: Micros,
      expiresAt: z.iso.datetime(),
    }),
  },
  BudgetDebited: {
    version: 3,
    summary:
      'A call ended and its reservation was settled. A call with `usage: unknown` is charged at its reservation. Version 2 added `usage: corrected`. Version 3 added `cachedPromptTokens`; since then the ledger pays the same amount to `spend`, in the same append and under the call id.',
    data: z.strictObject({
      callId,
      requestId,
      model: z.string().max(256),
      phase: z.string().max(32),
      member: z.string().max(64),
      usage: UsageSource,
      promptTokens: TokenCount,
      /** The part of `promptTokens` that the server took from its cache. */
      cachedPromptTokens: TokenCount.optional(),
      completionTokens: TokenCount,
      /**
       * The applied price: `<model>@<in>/<out>`, micro-dollars per 1,000 tokens; `<in>/<out>/<cached>` if cached input has a price. `none`:
       * the usage is unknown, and the model has no price any more.
       */
      priceRef: z.string().max(300),
      actualMicros: Micros,
    }),
  },
  BudgetReleased: {
    version: 1,
    summary: 'The call never reached a model, so nothing was used.',
    data: z.strictObject({ callId, requestId, amountMicros: Micros, reason: z.string().max(200) }),
  },
  ThrottleEngaged: {
    version: 1,
    summary:
      'The spending has reached the soft limit: until `until`, or until the limit is raised, one model answers, and shortly.',
    data: z.strictObject({ spentMicros: Micros, softMicros: Micros, dailyMicros: Micros, until: closesAt }),
  },
  ThrottleLifted: {
    version: 1,
    summary: 'The throttle ended: the day is over, or the new terms leave room below the soft limit.',
    data: z.strictObject({ why: z.enum(['day_ended', 'limit_raised']), spentMicros: Micros, dailyMicros: Micros }),
  },
  HardLimitReached: {
    version: 1,
    summary:
      'The first call of the day was refused, or paused for a person, because the daily amount did not cover it. Once a day for each daily amount; a lower amount that follows in the same day is not reported again. The figures are those of the refusal.',
    data: z.strictObject({
      kind: z.literal('hard'),
      /** What the refused calls would have reserved. */
      amountMicros: Micros,
      dailyMicros: Micros,
      spentMicros: Micros,
      reservedMicros: Micros,
      reopensAt: closesAt,
      /** The zone of the policy, in which `reopensAt` is a midnight. */
      timeZone: budgetTerms.timeZone,
    }),
  },
} as const

export type BudgetEvent = EventOf<typeof budgetEvents>

/** The events that alert people to a limit, with its kind. */
export const alertKinds = { ThrottleEngaged: 'soft', HardLimitReached: 'hard' } as const
export type AlertType = keyof typeof alertKinds
export const isAlertType = (type: string): type is AlertType => Object.hasOwn(alertKinds, type)
export const isBudgetEvent = isEventOf(budgetEvents)
