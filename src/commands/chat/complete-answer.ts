import { z } from 'zod'
import { degradedReasons } from '../../events/chat.ts'
import { answerEnding, endAnswer, endingAggregates, endingReads } from './answer-ending.ts'
import { defineCommand } from '../decider.ts'

/** Ends a prompt with its complete answer. */
export const CompleteAnswer = defineCommand(endingAggregates)({
  name: 'CompleteAnswer',
  schema: z.strictObject({
    ...answerEnding,
    finishReason: z.enum(['stop', 'length']),
    /** What the answer lacks; it is degraded if there is any. */
    reasons: z.array(z.enum(degradedReasons)).max(degradedReasons.length).readonly(),
  }),
  reads: endingReads,
  decide: ({ finishReason, reasons, ...ending }, states, context) =>
    endAnswer(ending, states, context, (bill) => ({
      type: 'AnswerCompleted',
      data: {
        text: ending.text,
        finishReason,
        degraded: reasons.length > 0,
        ...(reasons.length > 0 && { reasons }),
        ...bill,
      },
    })),
})
