import { z } from 'zod'
import { maxAnswerCharacters, maxModelMessageCharacters, synthesisFaults, chatStream } from '../../events/chat.ts'
import { MemberId } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { settleStep, stepAggregates, stepReads, WorkerStep } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'

/** Records that the chair has written no answer, and settles its call, in one append. The winning draft is then the answer. */
export const FailSynthesis = defineCommand(stepAggregates)({
  name: 'FailSynthesis',
  schema: z.strictObject({
    requestId: Uuid7,
    member: MemberId,
    why: z.enum(synthesisFaults),
    /** What a model that failed said. */
    message: z.string().min(1).max(maxModelMessageCharacters).optional(),
    /** The length of the text of the chair that clients may have seen, in UTF-16 code units. */
    characters: z.int().nonnegative().max(maxAnswerCharacters),
    ...WorkerStep.shape,
  }),
  reads: ({ requestId, attempt, settlement }) => stepReads(chatStream(requestId), { attempt, settlement }),

  decide({ requestId, member, why, message, characters, attempt, settlement }, states, { now }) {
    const settled = settleStep(states, chatStream(requestId), { attempt, settlement }, now)
    if ('outcome' in settled) return settled
    const callId = settlement?.callId
    const data = { member, why, ...(message && { message }), characters, ...(callId && { callId }) }
    return { outcome: 'accepted', events: { ...settled, chat: [...settled.chat, { type: 'SynthesisFailed', data }] } }
  },
})
