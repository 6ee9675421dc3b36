import { defineConfig } from 'vitest/config'

/** `npm run test:vllm`: the model client's contract against a real vLLM server, named by VLLM_URL, VLLM_MODEL and VLLM_API_KEY. */
export default defineConfig({
  test: {
    include: ['tests/contract/real-vllm.test.ts'],
    pool: 'forks',
    // A model on a CPU says 20 tokens a second.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    allowOnly: false,
    passWithNoTests: false,
    retry: 0,
  },
})
