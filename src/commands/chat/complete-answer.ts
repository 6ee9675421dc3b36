import { z } from 'zod'
import { answerEnding, endAnswer, endingAggregates, endingReads } from './answer-ending.ts'
import { defineCommand } from '../decider.ts'

/** Ends a prompt with its complete answer. */
export const CompleteAnswer = defineCommand(endingAggregates)({
  name: 'CompleteAnswer',
  schema: z.strictObject({ ...answerEnding, finishReason: z.enum(['stop', 'length']), degraded: z.boolean() }),
  reads: endingReads,
  decide: ({ finishReason, degraded, ...ending }, states) =>
    endAnswer(ending, states, (bill) => ({
      type: 'AnswerCompleted',
      data: { text: ending.text, finishReason, degraded, ...bill },
    })),
})
