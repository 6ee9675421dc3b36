import { z } from 'zod'
import { maxAnswerCharacters, chatStream } from '../../events/chat.ts'
import { MemberId } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { writtenLength } from '../../events/written-length.ts'
import { settleStep, Settlement, stepAggregates, stepReads } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Records a member's draft, and settles the call that wrote it, in one append. A member has one draft. */
export const ProduceDraft = defineCommand(stepAggregates)({
  name: 'ProduceDraft',
  schema: z.strictObject({
    requestId: Uuid7,
    attempt: z.int().positive(),
    member: MemberId,
    text: z.string().refine((text) => writtenLength(text) <= maxAnswerCharacters, 'is too long'),
    settlement: Settlement,
  }),
  reads: ({ requestId, ...step }) => stepReads(chatStream(requestId), step),

  decide({ requestId, attempt, member, text, settlement }, states, { now }) {
    const settled = settleStep(states, chatStream(requestId), { attempt, settlement }, now)
    if ('outcome' in settled) return settled
    if (states.chat.status === 'open' && states.chat.drafted.includes(member)) return refused('step_exists', { member })
    const { callId } = settlement
    return {
      outcome: 'accepted',
      events: { ...settled, chat: [...settled.chat, { type: 'DraftProduced', data: { member, text, callId } }] },
    }
  },
})
