import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Needs a GPU server; `npm run test:vllm` runs it with a configuration of its own.
    exclude: [...configDefaults.exclude, 'tests/contract/real-vllm.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    // Processes, not threads: tests start child processes whose life is bound to the process that started them.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 40_000,
    allowOnly: false,
    passWithNoTests: false,
    retry: 0,
    dangerouslyIgnoreUnhandledErrors: false,
  },
})
