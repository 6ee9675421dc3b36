import { z } from 'zod'
import { AnswerPath, maxPromptCharacters, chatStream } from '../../events/chat.ts'
import { ConversationId, Uuid7 } from '../../events/identifiers.ts'
import { chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

/** Submits a user's prompt. The same append creates the job that answers it. */
export const SubmitPrompt = defineCommand({ chat })({
  name: 'SubmitPrompt',
  startsWork: true,
  schema: z.strictObject({
    requestId: Uuid7,
    conversationId: ConversationId.optional(),
    text: z.string().trim().min(1).max(maxPromptCharacters),
    path: AnswerPath.optional(),
  }),
  reads: ({ requestId }) => ({ chat: chatStream(requestId) }),

  decide({ requestId, conversationId, text, path }, states, { now }) {
    if (states.chat.status !== 'absent') return refused('prompt_exists')
    return {
      outcome: 'accepted',
      events: {
        chat: [
          {
            type: 'PromptSubmitted',
            data: {
              requestId,
              conversationId: conversationId ?? requestId,
              text,
              ...(path && { path }),
              submittedAt: now,
            },
          },
        ],
      },
      jobs: [{ kind: 'answer', on: chatStream(requestId) }],
    }
  },
})
