import type { Turn } from '../../events/chat.ts'
import type { ChatMessage } from '../models/model.ts'

/** Builds the messages of a question: the persona, the earlier turns, oldest first, then the question. */
export const conversationMessages = (
  persona: string,
  question: string,
  earlier: readonly Turn[] = [],
): ChatMessage[] => [
  { role: 'system', content: persona },
  ...turnMessages(earlier),
  { role: 'user', content: question },
]

/** The earlier turns as messages. */
export const turnMessages = (earlier: readonly Turn[]): ChatMessage[] =>
  earlier.flatMap((turn): ChatMessage[] => [
    { role: 'user', content: turn.question },
    { role: 'assistant', content: turn.answer },
  ])
