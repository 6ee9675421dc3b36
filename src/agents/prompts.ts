import type { ChatMessage } from './models/model.ts'

/**
 * How the fast path introduces itself to a model. Every prompt pays for it, and the small embedded model needs exactly
 * this: told of a council, it answers the capital of France with "L'Alma"; told this, with "Paris".
 */
const fastPathPersona = 'You are a helpful AI assistant.'

export const fastPathMessages = (question: string): ChatMessage[] => [
  { role: 'system', content: fastPathPersona },
  { role: 'user', content: question },
]
