import { ModelError } from '../model.ts'
import type { ModelProvider } from '../provider.ts'

const connectTimeoutMs = 3_000
const maxQueuedCalls = 1000

/** vLLM servers, named by VLLM_URL. */
export const vllmProvider: ModelProvider = {
  name: 'vllm',
  isConfigured: ({ vllmUrls }) => vllmUrls.length > 0,
  async open({ config, logger }) {
    // The client's packages load only where VLLM_URL is set.
    const { createVllmClient } = await import('./client.ts')
    const model = createVllmClient({
      urls: config.vllmUrls,
      ...(config.vllmModel && { model: config.vllmModel }),
      ...(config.vllmApiKey && { apiKey: config.vllmApiKey.reveal() }),
      connectTimeoutMs,
      firstByteTimeoutMs: config.vllmFirstTokenTimeoutMs,
      idleTimeoutMs: config.vllmIdleTimeoutMs,
      concurrency: config.vllmConcurrency,
      maxQueued: maxQueuedCalls,
      logger,
    })
    const health = await model.health()
    if (health.status !== 'pass' && health.code === 'model_unknown' && config.vllmModel === undefined) {
      await model.close()
      throw new ModelError(health.code, `${health.message} Set VLLM_MODEL to one of them`)
    }
    return {
      model,
      kind: 'real',
      what: `vLLM at ${config.vllmUrls.join(', ')}`,
      ...(health.status !== 'pass' && { atStart: `not reachable: ${health.message}` }),
    }
  },
}
