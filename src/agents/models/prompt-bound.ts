/** An upper bound of the prompt tokens of a call. */

import type { ChatMessage } from './model.ts'

/** Markers, role name and newlines that a chat template puts around one message, rounded up generously. */
const tokensPerMessage = 16
/** Overhead of a template, once a prompt: begin of text, a date line, the opening of the answer. */
const tokensPerPrompt = 64
/** Many templates add a default system message when the caller sends none (SmolLM2: 24 tokens, others a few hundred). */
const tokensOfDefaultSystemMessage = 512

/**
 * An upper bound of the prompt tokens of a call that needs no tokenizer: UTF-8 bytes plus a fixed overhead.
 * Tokenizers of chat models are byte-level BPE or fall back to bytes, so every token covers at least one byte.
 * A budget reserves this bound and settles the model's own count.
 */
export function promptTokensAtMost(messages: readonly ChatMessage[], continueFrom: string): number {
  const texts = [...messages.map((message) => message.content), continueFrom]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text, 'utf8'), 0)
  const system = messages[0]?.role === 'system' ? 0 : tokensOfDefaultSystemMessage
  return bytes + texts.length * tokensPerMessage + tokensPerPrompt + system
}
