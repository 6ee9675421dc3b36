import { z } from 'zod'
import { chatStream } from '../../events/chat.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { maxAttempts } from '../paid-calls.ts'
import { refused } from '../refusals.ts'

/**
 * Starts a worker's attempt at a prompt. The worker names the next attempt number, so two workers never get the same one. From then
 * on the prompt refuses commands of every earlier attempt.
 */
export const StartAttempt = defineCommand({ chat })({
  name: 'StartAttempt',
  schema: z.strictObject({ requestId: Uuid7, attempt: z.int().positive(), worker: z.string().min(1).max(128) }),
  reads: ({ requestId }) => ({ chat: chatStream(requestId) }),

  decide({ attempt, worker }, states, { now }) {
    if (states.chat.status === 'absent') return refused('prompt_unknown')
    if (states.chat.status === 'finished') return refused('prompt_finished')
    const { attempt: before, attemptsBeforePause, pause } = states.chat
    if (pause !== null) return refused('prompt_paused', { approvalId: pause.approvalId })
    if (before - attemptsBeforePause >= maxAttempts) return refused('attempts_exhausted', { attempts: before })
    if (attempt !== before + 1) return refused('attempt_superseded')
    return {
      outcome: 'accepted',
      events: { chat: [{ type: 'AttemptStarted', data: { attempt, worker, startedAt: now } }] },
    }
  },
})
