import { z } from 'zod'
import { Micros, TokenCount, UsageSource } from './amounts.ts'
import { isEventOf, type EventOf } from './event.ts'
import { streamNameIn } from './identifiers.ts'

/**
 * `budget/<scope>/<yyyy-mm-dd>`: the spending of a scope (the council, a user, an agent) on models and tools in a day.
 * It has two phases: a reservation before a call, and a debit of the actual cost after it. Source: seed stories 20.1 and 20.2.
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
    version: 2,
    summary:
      'A call ended and its reservation was settled. A call with `usage: unknown` is charged at its reservation. Version 2 added `usage: corrected`.',
    data: z.strictObject({
      callId,
      requestId,
      model: z.string().max(256),
      phase: z.string().max(32),
      member: z.string().max(64),
      usage: UsageSource,
      promptTokens: TokenCount,
      completionTokens: TokenCount,
      /** The applied price: `<model>@<in>/<out>`, micro-dollars per 1,000 tokens. */
      priceRef: z.string().max(300),
      actualMicros: Micros,
    }),
  },
  BudgetReleased: {
    version: 1,
    summary: 'The call never reached a model, so nothing was used.',
    data: z.strictObject({ callId, requestId, amountMicros: Micros, reason: z.string().max(200) }),
  },
} as const

export type BudgetEvent = EventOf<typeof budgetEvents>
export const isBudgetEvent = isEventOf(budgetEvents)
