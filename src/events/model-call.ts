import { z } from 'zod'
import { Micros, TokenCount, UsageSource } from './amounts.ts'
import { BudgetStream } from './budget.ts'
import { isEventOf, type EventOf } from './event.ts'
import { Uuid7, type StreamName } from './identifiers.ts'

/** The work that model calls belong to: a prompt, or a bounty whose work is judged. The events of the calls are on its stream. */
export type WorkStream = StreamName<'chat'> | StreamName<'bounty'>
const workPattern = /^(?:chat|bounty)\/(?<id>.+)$/
export const WorkStream = z.custom<WorkStream>(
  (value) => typeof value === 'string' && Uuid7.safeParse(workPattern.exec(value)?.groups?.['id']).success,
  'must be chat/<requestId> or bounty/<bountyId>',
)

/** The id of the request or the bounty. */
export const workIdOf = (work: WorkStream): Uuid7 => Uuid7.parse(work.slice(work.indexOf('/') + 1))

/** The paid model calls of a piece of work, on its own stream: its cost is the sum over that stream. */
export const modelCallEvents = {
  ModelCallStarted: {
    version: 1,
    summary:
      'A model call started. Money is reserved under `callId` in every budget named; an attempt that takes over settles the calls that are still open.',
    data: z.strictObject({
      callId: z.string().max(128),
      attempt: z.int().positive(),
      phase: z.string().max(32),
      member: z.string().max(64),
      model: z.string().max(256),
      budgets: z.array(BudgetStream).max(8),
      reservedMicros: Micros,
    }),
  },
  ModelCallEnded: {
    version: 2,
    summary: 'A model call ended. Version 2 added `usage: corrected`.',
    data: z.strictObject({
      callId: z.string().max(128),
      outcome: z.enum(['completed', 'cancelled', 'failed', 'lost']),
      usage: UsageSource,
      promptTokens: TokenCount,
      completionTokens: TokenCount,
      costMicros: Micros,
    }),
  },
} as const

export type ModelCallEvent = EventOf<typeof modelCallEvents>
export const isModelCallEvent = isEventOf(modelCallEvents)
