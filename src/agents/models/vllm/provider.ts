import { ModelError } from '../model.ts'
import type { ModelProvider } from '../provider.ts'

const connectTimeoutMs = 3_000
const maxQueuedCalls = 1000

/** vLLM servers, named by VLLM_URL. */
export const vllmProvider: ModelProvider = {
  name: 'vllm',
  isConfigured: ({ vllm }) => vllm.urls.length > 0,
  async open({ config: { vllm }, logger }) {
    // The client's packages load only where VLLM_URL is set.
    const { createVllmClient } = await import('./client.ts')
    const model = createVllmClient({
      urls: vllm.urls,
      ...(vllm.model && { model: vllm.model }),
      ...(vllm.apiKey && { apiKey: vllm.apiKey.reveal() }),
      connectTimeoutMs,
      firstByteTimeoutMs: vllm.firstTokenTimeoutMs,
      idleTimeoutMs: vllm.idleTimeoutMs,
      concurrency: vllm.concurrency,
      maxQueued: maxQueuedCalls,
      logger,
    })
    const health = await model.health()
    if (health.status !== 'pass' && health.code === 'model_unknown' && vllm.model === undefined) {
      await model.close()
      throw new ModelError(health.code, `${health.message} Set VLLM_MODEL to one of them`)
    }
    return {
      model,
      modelOf: model.modelOf,
      kind: 'real',
      what: `vLLM at ${vllm.urls.join(', ')}`,
      ...(health.status !== 'pass' && { atStart: `not reachable: ${health.message}` }),
    }
  },
}
