import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { degradedReasons } from '../../events/chat.ts'
import { modeStream } from '../../events/governance.ts'
import { Position, Uuid7 } from '../../events/identifiers.ts'
import { writtenLength } from '../../events/written-length.ts'
import { approval } from '../aggregates/approval.ts'
import { governance, holdsAnswers } from '../aggregates/governance.ts'
import { exactArgumentsOf, hashOfText } from '../approval/exact-arguments.ts'
import { requestedEvent } from '../approval/governed.ts'
import { answerEnding, endAnswer, endingAggregates, endingReads } from './answer-ending.ts'
import { councilAgent } from './council-agent.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** How much of a held answer its approval shows, in characters of JSON; the event has all of it. */
const shownCharacters = 12_000

/**
 * Ends a prompt with its complete answer. An answer that is held for a person waits instead, if the mode still asks for it: the attempt
 * ends, and the decision makes a new one.
 */
export const CompleteAnswer = defineCommand({ ...endingAggregates, approval, governance })({
  name: 'CompleteAnswer',
  schema: z.strictObject({
    ...answerEnding,
    finishReason: z.enum(['stop', 'length']),
    /** What the answer lacks; it is degraded if there is any. */
    reasons: z.array(z.enum(degradedReasons)).max(degradedReasons.length).readonly(),
    /** For an answer that is held: the approval that it would wait for. */
    hold: z.strictObject({ approvalId: Uuid7, promptPosition: Position }).optional(),
  }),
  reads: ({ hold, ...ending }) => ({
    ...endingReads(ending),
    approval: hold ? approvalStream(hold.approvalId) : null,
    governance: hold ? modeStream : null,
  }),

  decide({ finishReason, reasons, hold, ...ending }, states, { now }) {
    const isHeld = states.chat.status === 'open' && states.chat.isHeld
    if (isHeld && !hold) return refused('approval_unknown', { approvalId: '' })
    const waits = isHeld && hold && holdsAnswers(states.governance)
    const { requestId, text } = ending
    if (!waits)
      return endAnswer(ending, states, { now }, (bill) => ({
        type: 'AnswerCompleted',
        data: { text, finishReason, degraded: reasons.length > 0, ...(reasons.length > 0 && { reasons }), ...bill },
      }))
    const { approvalId, promptPosition } = hold
    if (states.approval.status !== 'absent') return refused('approval_exists', { approvalId })
    const held = endAnswer(ending, states, { now }, () => ({
      type: 'AnswerHeld',
      data: { approvalId, promptPosition, text, finishReason, reasons },
    }))
    if (held.outcome === 'refused') return held
    const requested = requestedEvent(states.governance, now, {
      approvalId,
      action: 'ReleaseAnswer',
      ...exactArgumentsOf({ requestId, characters: text.length, sha256: hashOfText(text), text: beginningOf(text) }),
      costMicros: 0,
      risk: 'low',
      why: 'answer_held',
      requestedBy: councilAgent,
      resumes: requestId,
    })
    return { ...held, events: { ...held.events, approval: [requested] } }
  },
})

/** The whole text, or a beginning of it that an approval can show. */
function beginningOf(text: string): string {
  let shown = text.slice(0, shownCharacters).toWellFormed()
  while (writtenLength(shown) > shownCharacters) shown = shown.slice(0, shown.length / 2).toWellFormed()
  return shown
}
