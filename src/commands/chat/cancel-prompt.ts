import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { chatStream } from '../../events/chat.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { approval } from '../aggregates/approval.ts'
import { chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * Cancels a prompt for its user. A prompt without an attempt ends at once, and so does one that waits for a person: its approval is
 * withdrawn. Otherwise the worker receives the request, stops the model and ends the prompt itself, because only the worker knows the
 * usage.
 */
export const CancelPrompt = defineCommand({ chat, approval })({
  name: 'CancelPrompt',
  schema: z.strictObject({
    requestId: Uuid7,
    /** What the prompt waits for, if it waits. */
    approvalId: Uuid7.optional(),
  }),
  reads: ({ requestId, approvalId }) => ({
    chat: chatStream(requestId),
    approval: approvalId === undefined ? null : approvalStream(approvalId),
  }),

  decide({ approvalId }, states, { now, principal }) {
    const state = states.chat
    if (state.status === 'absent') return refused('prompt_unknown')
    if (state.status === 'finished') return refused('prompt_finished')
    if (state.pause !== null && state.pause.approvalId !== approvalId)
      return refused('prompt_paused', { approvalId: state.pause.approvalId })
    if (state.cancelRequested) return { outcome: 'accepted', events: {} }
    if (state.attempt > 0 && state.pause === null)
      return { outcome: 'accepted', events: { chat: [{ type: 'CancellationRequested', data: { by: principal } }] } }
    const { costMicros, promptTokens, completionTokens } = state
    const submittedAtMs = Date.parse(state.submittedAt)
    const totalMs = Math.max(0, Date.parse(now) - submittedAtMs)
    const queuedMs =
      state.firstStartedAt === null ? totalMs : Math.max(0, Date.parse(state.firstStartedAt) - submittedAtMs)
    const timings = { queuedMs, firstTokenMs: null, totalMs }
    const isWaiting = states.approval.status === 'waiting'
    return {
      outcome: 'accepted',
      events: {
        chat: [
          {
            type: 'AnswerCancelled',
            data: { text: '', costMicros, tokens: { promptTokens, completionTokens }, timings },
          },
        ],
        ...(isWaiting && {
          approval: [{ type: 'ApprovalDenied', data: { by: principal, reason: 'the prompt was cancelled' } }],
        }),
      },
    }
  },
})
