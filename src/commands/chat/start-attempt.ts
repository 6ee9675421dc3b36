import { z } from 'zod'
import { chatStream } from '../../events/chat.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { chat, maxAttempts } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * A worker takes a prompt, with the attempt's number that it expects to be the next: so no two workers ever have the
 * same one. From here on every other worker that still works on the prompt is refused.
 */
export const StartAttempt = defineCommand({ chat })({
  name: 'StartAttempt',
  schema: z.strictObject({ requestId: Uuid7, attempt: z.int().positive(), worker: z.string().min(1).max(128) }),
  reads: ({ requestId }) => ({ chat: chatStream(requestId) }),

  decide({ attempt, worker }, states, { now }) {
    if (states.chat.status === 'absent') return refused('prompt_unknown')
    if (states.chat.status === 'finished') return refused('prompt_finished')
    if (states.chat.attempt >= maxAttempts) return refused('attempts_exhausted', { attempts: states.chat.attempt })
    if (attempt !== states.chat.attempt + 1) return refused('attempt_superseded')
    return {
      outcome: 'accepted',
      events: { chat: [{ type: 'AttemptStarted', data: { attempt, worker, startedAt: now } }] },
    }
  },
})
