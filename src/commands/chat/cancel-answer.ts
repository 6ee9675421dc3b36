import { z } from 'zod'
import { answerEnding, endAnswer, endingAggregates, endingReads } from './answer-ending.ts'
import { defineCommand } from '../decider.ts'

/** The worker has stopped because somebody asked it to. What was used until then is paid for. */
export const CancelAnswer = defineCommand(endingAggregates)({
  name: 'CancelAnswer',
  schema: z.strictObject(answerEnding),
  reads: endingReads,
  decide: (ending, states) =>
    endAnswer(ending, states, (bill) => ({ type: 'AnswerCancelled', data: { text: ending.text, ...bill } })),
})
