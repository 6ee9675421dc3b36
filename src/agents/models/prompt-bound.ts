import type { ChatMessage } from './model.ts'

/** Markers, role name and newlines that a chat template puts around one message, generously. */
const tokensPerMessage = 16
/** What a template adds once: begin of text, a date line, the opening of the answer. */
const tokensPerPrompt = 64
/** Many templates put a system message of their own in front when the caller sends none (SmolLM2: 24 tokens, others some hundred). */
const tokensOfDefaultSystemMessage = 512

/**
 * An upper bound of the prompt tokens of a call, without asking the model: UTF-8 bytes plus a fixed overhead.
 * Tokenizers of chat models are byte-level BPE, or fall back to bytes, so no token of the text stands for less than one byte.
 * A budget reserves this much; what is settled is the model's own count.
 */
export function promptTokensAtMost(messages: readonly ChatMessage[], continueFrom: string): number {
  const texts = [...messages.map((message) => message.content), continueFrom]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text, 'utf8'), 0)
  const system = messages[0]?.role === 'system' ? 0 : tokensOfDefaultSystemMessage
  return bytes + texts.length * tokensPerMessage + tokensPerPrompt + system
}
