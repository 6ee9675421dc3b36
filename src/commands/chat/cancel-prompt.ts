import { z } from 'zod'
import { chatStream } from '../../events/chat.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * Cancels a prompt for its user. A prompt without an attempt ends at once. Otherwise the worker receives the request, stops the model
 * and ends the prompt itself, because only the worker knows the usage.
 */
export const CancelPrompt = defineCommand({ chat })({
  name: 'CancelPrompt',
  schema: z.strictObject({ requestId: Uuid7 }),
  reads: ({ requestId }) => ({ chat: chatStream(requestId) }),

  decide(_command, states, { now, principal }) {
    const state = states.chat
    if (state.status === 'absent') return refused('prompt_unknown')
    if (state.status === 'finished') return refused('prompt_finished')
    if (state.cancelRequested) return { outcome: 'accepted', events: {} }
    if (state.attempt > 0)
      return { outcome: 'accepted', events: { chat: [{ type: 'CancellationRequested', data: { by: principal } }] } }
    const waitedMs = Math.max(0, Date.parse(now) - Date.parse(state.submittedAt))
    const timings = { queuedMs: waitedMs, firstTokenMs: null, totalMs: waitedMs }
    return {
      outcome: 'accepted',
      events: {
        chat: [
          {
            type: 'AnswerCancelled',
            data: { text: '', costMicros: 0, tokens: { promptTokens: 0, completionTokens: 0 }, timings },
          },
        ],
      },
    }
  },
})
