import { ModelError, type ModelClient } from './model.ts'
import { promptTokensAtMost } from './prompt-bound.ts'
import type { ModelProvider } from './provider.ts'

/** The last resort: a client whose every call fails with advice. The council never makes up an answer. */
export const missingProvider: ModelProvider = {
  name: 'missing',
  isConfigured: () => true,
  open: async ({ advice }) => ({ model: missingModel(advice), kind: 'missing', what: 'none', warning: advice }),
}

export function missingModel(advice: string): ModelClient {
  const unavailable = () => new ModelError('model_unavailable', advice)
  return {
    async *stream() {
      throw unavailable()
    },
    info: () => Promise.reject(unavailable()),
    promptTokensAtMost,
    countPromptTokens: () => Promise.reject(unavailable()),
    health: () => Promise.resolve({ status: 'warn', code: 'model_unavailable', message: advice }),
    close: () => Promise.resolve(),
  }
}
