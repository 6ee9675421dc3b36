import { z } from 'zod'
import { AnswerPath, RoutedBy, SensedConversation, chatStream } from '../../events/chat.ts'
import { SeatingHash } from '../../events/council.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { attemptProblem, chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Records the path of an answer and what chose it. In a named conversation it also records which earlier turns the model gets. */
export const RouteRequest = defineCommand({ chat })({
  name: 'RouteRequest',
  schema: z.strictObject({
    requestId: Uuid7,
    attempt: z.int().positive(),
    path: AnswerPath,
    intent: z.string().min(1).max(64),
    by: RoutedBy,
    confidence: z.number().min(0).max(1),
    /** The hash of the council that sits. */
    seating: SeatingHash.optional(),
    conversation: SensedConversation.optional(),
  }),
  reads: ({ requestId }) => ({ chat: chatStream(requestId) }),

  decide({ attempt, path, intent, by, confidence, seating, conversation }, states) {
    const problem = attemptProblem(states.chat, attempt)
    if (problem) return refused(problem)
    return {
      outcome: 'accepted',
      events: {
        chat: [
          { type: 'RequestRouted', data: { path, intent, by, confidence, ...(seating && { seating }) } },
          ...(conversation ? [{ type: 'ContextSensed' as const, data: { conversation } }] : []),
        ],
      },
    }
  },
})
