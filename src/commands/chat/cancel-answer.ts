import { z } from 'zod'
import { answerEnding, endAnswer, endingAggregates, endingReads } from './answer-ending.ts'
import { defineCommand } from '../decider.ts'

/** Ends an answer that the worker stopped on request. The council pays for the usage until then. */
export const CancelAnswer = defineCommand(endingAggregates)({
  name: 'CancelAnswer',
  schema: z.strictObject(answerEnding),
  reads: endingReads,
  decide: (ending, states, context) =>
    endAnswer(ending, states, context, (bill) => ({ type: 'AnswerCancelled', data: { text: ending.text, ...bill } })),
})
