import { z } from 'zod'
import { answerFailureCodes } from '../../events/chat.ts'
import { answerEnding, endAnswer, endingAggregates, endingReads } from './answer-ending.ts'
import { defineCommand } from '../decider.ts'

/** Ends a prompt without a complete answer. The code is the reason, the message says what to do. Keeps the text streamed so far. */
export const FailAnswer = defineCommand(endingAggregates)({
  name: 'FailAnswer',
  schema: z.strictObject({ ...answerEnding, code: z.enum(answerFailureCodes), message: z.string().min(1).max(1000) }),
  reads: endingReads,
  decide: ({ code, message, ...ending }, states, context) =>
    endAnswer(ending, states, context, (bill) => ({
      type: 'AnswerFailed',
      data: { code, message, text: ending.text, ...bill },
    })),
})
