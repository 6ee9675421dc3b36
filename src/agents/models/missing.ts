import { ModelError, type ModelClient } from './model.ts'
import { promptTokensAtMost } from './prompt-bound.ts'
import type { ModelProvider } from './provider.ts'

/** The last resort: a client whose every call fails with advice. The council never makes up an answer. */
export const missingProvider: ModelProvider = {
  name: 'missing',
  isConfigured: () => true,
  open: async ({ advice }) => {
    const model = missingModel(advice)
    return { model, modelOf: () => model, kind: 'missing', what: 'none', warning: advice }
  },
}

/** A client whose every call fails with this advice. */
export function missingModel(
  advice: string,
  code: 'model_unavailable' | 'model_unknown' = 'model_unavailable',
): ModelClient {
  const missing = () => new ModelError(code, advice)
  return {
    async *stream() {
      throw missing()
    },
    info: () => Promise.reject(missing()),
    promptTokensAtMost,
    countPromptTokens: () => Promise.reject(missing()),
    health: () => Promise.resolve({ status: 'warn', code, message: advice }),
    close: () => Promise.resolve(),
  }
}
