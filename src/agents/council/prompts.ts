import type { ChatMessage } from '../models/model.ts'

/**
 * How the fast path introduces itself to a model. Every prompt pays for it, and the small embedded model needs exactly
 * this: told of a council, it answers the capital of France with "L'Alma"; told this, with "Paris".
 */
const fastPathPersona = 'You are a helpful AI assistant.'

/** The question after the earlier turns of its conversation, oldest first. */
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
