import { z } from 'zod'
import { AnswerPath, GivenContext, maxGivenCharacters, maxPromptCharacters, chatStream } from '../../events/chat.ts'
import { ConversationId, Uuid7 } from '../../events/identifiers.ts'
import { chat } from '../aggregates/chat.ts'
import { defineCommand } from '../decider.ts'
import { refused } from '../refusals.ts'

const givenCharacters = ({ instructions = '', turns }: GivenContext): number =>
  turns.reduce((sum, { question, answer }) => sum + question.length + answer.length, instructions.length)

/**
 * Submits a user's prompt. The same append creates the job that answers it. A prompt with its own context gets no turns of
 * a conversation that the council knows.
 */
export const SubmitPrompt = defineCommand({ chat })({
  name: 'SubmitPrompt',
  startsWork: true,
  schema: z.strictObject({
    requestId: Uuid7,
    conversationId: ConversationId.optional(),
    text: z.string().trim().min(1).max(maxPromptCharacters),
    path: AnswerPath.optional(),
    context: GivenContext.refine(
      (context) => givenCharacters(context) <= maxGivenCharacters,
      `must have at most ${maxGivenCharacters} characters`,
    ).optional(),
  }),
  reads: ({ requestId }) => ({ chat: chatStream(requestId) }),

  decide({ requestId, conversationId, text, path, context }, states, { now }) {
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
              ...(context && { context }),
              submittedAt: now,
            },
          },
        ],
      },
      jobs: [{ kind: 'answer', on: chatStream(requestId) }],
    }
  },
})
