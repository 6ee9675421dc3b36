import type { ModelClient } from '../../src/agents/models/model.ts'

/** A stand-in for a model that answers at once: each draft, review and answer is one sentence, and each ballot the first that is allowed. */
export const instantModel: ModelClient = {
  info: () => Promise.resolve({ model: 'instant', kind: 'bench', contextTokens: 32_768 }),
  promptTokensAtMost: (messages, text) =>
    messages.reduce((sum, { content }) => sum + Buffer.byteLength(content) + 8, Buffer.byteLength(text)),
  countPromptTokens: () => Promise.resolve(1),
  async *stream({ constraint }) {
    const said =
      constraint && 'choices' in constraint
        ? (constraint.choices[0] ?? '')
        : 'The capital of France is Paris, which has been the seat of its government since 987.'
    yield { type: 'usage', usage: { promptTokens: 200, completionTokens: 20 } }
    yield { type: 'text', text: said }
    yield { type: 'end', finishReason: 'stop', degraded: false }
  },
  health: () => Promise.resolve({ status: 'pass', info: { model: 'instant', kind: 'bench', contextTokens: 32_768 } }),
  close: () => Promise.resolve(),
}
