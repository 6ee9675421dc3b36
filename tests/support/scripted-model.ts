import { ModelError, type ModelCall, type ModelChunk, type ModelClient } from '../../src/agents/models/model.ts'
import { missingModel } from '../../src/agents/models/missing.ts'

/** One step of a model call: a chunk to yield, an error to throw, or a function to await. */
export type ModelStep = ModelChunk | Error | ((call: ModelCall) => unknown)

export const text = (piece: string): ModelChunk => ({ type: 'text', text: piece })
export const usage = (promptTokens: number, completionTokens: number): ModelChunk => ({
  type: 'usage',
  usage: { promptTokens, completionTokens },
})
export const end = (finishReason: 'stop' | 'length' = 'stop', degraded = false): ModelChunk => ({
  type: 'end',
  finishReason,
  degraded,
})

/** Waits until the call is cancelled, and fails as every client does then. */
export const untilCancelled = async ({ signal }: ModelCall): Promise<never> => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw new ModelError('model_cancelled', 'The call was cancelled.')
}

/** A model client that plays one script for each call, in order, and records the calls. */
export function scriptedModel(...scripts: ModelStep[][]): ModelClient & { calls: ModelCall[] } {
  const calls: ModelCall[] = []
  return {
    ...missingModel('not scripted'),
    calls,
    info: () => Promise.resolve({ model: 'scripted', kind: 'embedded', contextTokens: 10_000 }),
    async *stream(call) {
      const script = scripts[calls.push(call) - 1]
      if (!script) throw new Error('no script for another call')
      for (const step of script) {
        if (step instanceof Error) throw step
        if (typeof step === 'function') await step(call)
        else yield step
      }
    },
  }
}
