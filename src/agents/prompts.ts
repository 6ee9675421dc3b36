import type { ChatMessage } from './models/model.ts'

/** What the council says of itself to a model on the fast path. Short, since every prompt pays for it. */
const fastPathPersona = 'You are the Hybrid AI Council. Answer the question directly and truthfully, in a few sentences. Say so when you do not know.'

export const fastPathMessages = (question: string): ChatMessage[] => [
  { role: 'system', content: fastPathPersona },
  { role: 'user', content: question },
]
