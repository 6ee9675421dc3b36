import { defineConfig } from 'vitest/config'

/** Configures `npm run test:vllm`: the contract of model clients against the real vLLM server in VLLM_URL, VLLM_MODEL and VLLM_API_KEY. */
export default defineConfig({
  test: {
    include: ['tests/contract/real-vllm.test.ts'],
    pool: 'forks',
    // A model on a CPU generates 20 tokens a second.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    allowOnly: false,
    passWithNoTests: false,
    retry: 0,
  },
})
