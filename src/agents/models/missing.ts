import { ModelError, type ModelClient } from './model.ts'
import { promptTokensAtMost } from './prompt-bound.ts'

/** Stands where there is no model: every call fails with what to do. There is never a made-up answer. */
export function missingModel(whatToDo: string): ModelClient {
  const unavailable = () => new ModelError('model_unavailable', whatToDo)
  return {
    async *stream() {
      throw unavailable()
    },
    info: () => Promise.reject(unavailable()),
    promptTokensAtMost,
    countPromptTokens: () => Promise.reject(unavailable()),
    health: () => Promise.resolve({ status: 'warn', code: 'model_unavailable', message: whatToDo }),
    close: () => Promise.resolve(),
  }
}
