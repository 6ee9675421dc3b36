import { z } from 'zod'
import { maxCritiqueCharacters, chatStream } from '../../events/chat.ts'
import { MemberId } from '../../events/election.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { settleStep, Settlement, stepAggregates, stepReads } from '../budget/settlement.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Records a member's review of the drafts of others, and settles the call that wrote it, in one append. */
export const ProduceCritique = defineCommand(stepAggregates)({
  name: 'ProduceCritique',
  schema: z.strictObject({
    requestId: Uuid7,
    attempt: z.int().positive(),
    member: MemberId,
    text: z.string().min(1).max(maxCritiqueCharacters),
    settlement: Settlement,
  }),
  reads: ({ requestId, ...step }) => stepReads(chatStream(requestId), step),

  decide({ requestId, attempt, member, text, settlement }, states, { now }) {
    const settled = settleStep(states, chatStream(requestId), { attempt, settlement }, now)
    if ('outcome' in settled) return settled
    if (states.chat.status === 'open' && states.chat.reviewed.includes(member))
      return refused('step_exists', { member })
    const { callId } = settlement
    return {
      outcome: 'accepted',
      events: { ...settled, chat: [...settled.chat, { type: 'CritiqueProduced', data: { member, text, callId } }] },
    }
  },
})
