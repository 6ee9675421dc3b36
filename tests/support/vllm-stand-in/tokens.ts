/**
 * The stand-in's tokenizer. It counts plain English sentences as SmolLM2's does, and its chat template adds as many
 * tokens, so window checks and usage figures resemble the recorded ones.
 */
export type WireMessage = { role: string; content: string }

const perMessage = 5 // <|im_start|> role \n … <|im_end|> \n
const generationPrompt = 3 // <|im_start|> assistant \n
const defaultSystemMessage = 17

export const tokenize = (text: string): string[] => text.match(/ ?[\p{L}\p{N}_]+| ?[^\p{L}\p{N}_\s]|\s/gu) ?? []

/** Counts the tokens of a chat prompt. A prompt that continues its last message has no generation prompt. */
export function countPrompt(messages: readonly WireMessage[], continues: boolean): number {
  const texts = messages.reduce((sum, message) => sum + perMessage + tokenize(message.content).length, 0)
  const system = messages[0]?.role === 'system' ? 0 : perMessage + defaultSystemMessage
  return texts + system + (continues ? -2 : generationPrompt)
}

const words = [
  'the',
  'council',
  'weighs',
  'each',
  'draft',
  'with',
  'care',
  'and',
  'votes',
  'in',
  'order',
  'of',
  'merit',
  'before',
  'it',
  'answers',
]

/** A deterministic answer as tokens, starting at word `from` for a continuation. */
export function wordTokens(count: number, from = 0): string[] {
  return Array.from({ length: Math.max(0, count - from) }, (_, i) => {
    const index = from + i
    return `${index === 0 ? '' : ' '}${words[index % words.length] ?? ''}`
  })
}
