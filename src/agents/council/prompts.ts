import type { ChatMessage } from '../models/model.ts'

/**
 * The system message of the fast path. Every prompt pays for it, so it is short. The small embedded model depends on the wording:
 * a message that mentions a council makes it answer "L'Alma" to the capital of France; this one gives "Paris".
 */
const fastPathPersona = 'You are a helpful AI assistant.'

/** Builds the messages of a call: the earlier turns, oldest first, then the question. */
export const fastPathMessages = (
  question: string,
  earlier: readonly { question: string; answer: string }[] = [],
): ChatMessage[] => [
  { role: 'system', content: fastPathPersona },
  ...earlier.flatMap((turn): ChatMessage[] => [
    { role: 'user', content: turn.question },
    { role: 'assistant', content: turn.answer },
  ]),
  { role: 'user', content: question },
]
