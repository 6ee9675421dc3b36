import { z } from 'zod'
import { Micros, TokenCount, UsageSource } from './amounts.ts'
import { isEventOf, type EventOf } from './event.ts'
import { streamNameIn } from './identifiers.ts'

/**
 * `budget/<scope>/<yyyy-mm-dd>`: what a scope (the council, a user, an agent) may spend on models and tools in a day.
 * Two-phase: reserved before a call, debited with the actual figure after it. Source: seed stories 20.1 and 20.2.
 */
export const BudgetStream = streamNameIn('budget')
export type BudgetStream = z.infer<typeof BudgetStream>

/** The budget of a scope for one day, `yyyy-mm-dd` in the time zone of its policy. */
export const budgetStream = (scope: string, day: string): BudgetStream => BudgetStream.parse(`budget/${scope}/${day}`)

const callId = z.string().min(1).max(128)
const requestId = z.string().max(64)

export const budgetEvents = {
  BudgetReserved: {
    version: 1,
    data: z.strictObject({
      callId,
      requestId,
      model: z.string().max(256),
      amountMicros: Micros,
      expiresAt: z.iso.datetime(),
    }),
  },
  /** Settles a reservation. `usage: unknown` is charged at the reservation, never at an invented figure and never for nothing. */
  BudgetDebited: {
    /** 2: `usage` may be `corrected`. */
    version: 2,
    data: z.strictObject({
      callId,
      requestId,
      model: z.string().max(256),
      phase: z.string().max(32),
      member: z.string().max(64),
      usage: UsageSource,
      promptTokens: TokenCount,
      completionTokens: TokenCount,
      /** The price that was applied, readable: `<model>@<in>/<out>`, micro-dollars per 1,000 tokens. */
      priceRef: z.string().max(300),
      actualMicros: Micros,
    }),
  },
  /** The call never reached a model: nothing was used. */
  BudgetReleased: {
    version: 1,
    data: z.strictObject({ callId, requestId, amountMicros: Micros, reason: z.string().max(200) }),
  },
} as const

export type BudgetEvent = EventOf<typeof budgetEvents>
export const isBudgetEvent = isEventOf(budgetEvents)
