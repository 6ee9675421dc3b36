import { z } from 'zod'
import { draftFaults, maxAnswerCharacters, maxModelMessageCharacters, chatStream } from '../../events/chat.ts'
import { MemberId } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { writtenLength } from '../../events/written-length.ts'
import { settleStep, stepAggregates, stepReads, WorkerStep } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Records that a member has no draft to judge, and settles its call, in one append. */
export const FailDraft = defineCommand(stepAggregates)({
  name: 'FailDraft',
  schema: z.strictObject({
    requestId: Uuid7,
    member: MemberId,
    why: z.enum(draftFaults),
    /** The part that was written. */
    text: z.string().refine((text) => writtenLength(text) <= maxAnswerCharacters, 'is too long'),
    /** What a model that failed said. */
    message: z.string().min(1).max(maxModelMessageCharacters).optional(),
    ...WorkerStep.shape,
  }),
  reads: ({ requestId, attempt, settlement }) => stepReads(chatStream(requestId), { attempt, settlement }),

  decide({ requestId, member, why, text, message, attempt, settlement }, states, { now }) {
    const settled = settleStep(states, chatStream(requestId), { attempt, settlement }, now)
    if ('outcome' in settled) return settled
    if (states.chat.status === 'open' && states.chat.drafted.includes(member)) return refused('step_exists', { member })
    const data = { member, why, text, ...(message && { message }), ...(settlement && { callId: settlement.callId }) }
    return { outcome: 'accepted', events: { ...settled, chat: [...settled.chat, { type: 'DraftFailed', data }] } }
  },
})
