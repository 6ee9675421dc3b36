import { z } from 'zod'
import { approvalStream } from '../../events/approval.ts'
import { chatStream } from '../../events/chat.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { approval } from '../aggregates/approval.ts'
import { chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/**
 * Tells a waiting prompt what was decided, once, and queues its next attempt. The decision about a prompt that has ended meanwhile is
 * used up without effect.
 */
export const ResumePrompt = defineCommand({ chat, approval })({
  name: 'ResumePrompt',
  schema: z.strictObject({
    requestId: Uuid7,
    approvalId: Uuid7,
    /** The entry of the work stream that this append removes. */
    job: z.string().regex(/^\d+-\d+$/),
  }),
  reads: ({ requestId, approvalId }) => ({ chat: chatStream(requestId), approval: approvalStream(approvalId) }),

  decide({ requestId, approvalId, job }, states) {
    const { status: decision } = states.approval
    if (decision !== 'granted' && decision !== 'denied' && decision !== 'expired')
      return refused('approval_decided', { approvalId })
    if (states.approval.resumes !== requestId) return refused('approval_unknown', { approvalId })
    const pause = states.chat.status === 'open' ? states.chat.pause : null
    if (pause?.approvalId !== approvalId)
      return {
        outcome: 'accepted',
        events: { approval: [{ type: 'ApprovalUsed', data: { outcome: 'refused', code: 'prompt_finished' } }] },
        finishesJob: job,
      }
    const { promptPosition } = pause
    return {
      outcome: 'accepted',
      events: {
        chat: [{ type: 'PromptResumed', data: { approvalId, promptPosition, decision } }],
        approval: [{ type: 'ApprovalUsed', data: { outcome: 'resumed' } }],
      },
      jobs: [{ kind: 'answer', on: chatStream(requestId) }],
      finishesJob: job,
    }
  },
})
