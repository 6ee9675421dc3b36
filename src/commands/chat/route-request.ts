import { z } from 'zod'
import { AnswerPath, RoutedBy, SensedConversation, chatStream } from '../../events/chat.ts'
import { SeatingHash } from '../../events/council.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { modeStream } from '../../events/governance.ts'
import { BudgetScope } from '../../events/policy.ts'
import { settleStep, stepAggregates, stepReads, WorkerStep } from '../budget/settlement.ts'
import { governance, holdsAnswers } from '../aggregates/governance.ts'
import { defineCommand } from '../decider.ts'

/**
 * Records the path of an answer and what chose it, and settles the model call that may have chosen it. In a named conversation it also
 * records which earlier turns the model gets. The mode decides in the same append whether the answer is held for a person.
 */
export const RouteRequest = defineCommand({ ...stepAggregates, governance })({
  name: 'RouteRequest',
  schema: z.strictObject({
    requestId: Uuid7,
    ...WorkerStep.shape,
    path: AnswerPath,
    intent: z.string().min(1).max(64),
    by: RoutedBy,
    confidence: z.number().min(0).max(1),
    /** The hash of the council that sits. */
    seating: SeatingHash.optional(),
    throttledBy: z.array(BudgetScope).min(1).max(4).optional(),
    conversation: SensedConversation.optional(),
  }),
  reads: ({ requestId, attempt, settlement }) => ({
    ...stepReads(chatStream(requestId), { attempt, settlement }),
    governance: modeStream,
  }),

  decide(
    { requestId, attempt, settlement, path, intent, by, confidence, seating, throttledBy, conversation },
    states,
    { now },
  ) {
    const settled = settleStep(states, chatStream(requestId), { attempt, settlement }, now)
    if ('outcome' in settled) return settled
    return {
      outcome: 'accepted',
      events: {
        ...settled,
        chat: [
          ...settled.chat,
          {
            type: 'RequestRouted',
            data: {
              path,
              intent,
              by,
              confidence,
              ...(seating && { seating }),
              ...(throttledBy && { throttledBy }),
              ...(holdsAnswers(states.governance) && { held: true }),
            },
          },
          ...(conversation ? [{ type: 'ContextSensed' as const, data: { conversation } }] : []),
        ],
      },
    }
  },
})
