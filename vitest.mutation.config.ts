import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'

/** Puts the test files with thousands of counts last: a small example is the faster way to notice a change. */
class SmallExamplesFirst extends BaseSequencer {
  override async sort(files: Parameters<BaseSequencer['sort']>[0]) {
    const isLong = ({ moduleId }: (typeof files)[number]) =>
      Number(/(criteria|ranked-pairs|second-opinion|vectors)\.test/.test(moduleId))
    return files.toSorted((a, b) => isLong(a) - isLong(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

/** Configures the tests that `npm run mutation` repeats for every change that Stryker makes to `src/gedi/`. */
export default defineConfig({
  test: {
    include: ['tests/gedi/*.test.ts'],
    setupFiles: ['tests/support/short-properties.ts'],
    sequence: { sequencer: SmallExamplesFirst },
    // Stryker starts a new worker for each change; within one, all files share the modules that they import.
    isolate: false,
    testTimeout: 60_000,
    allowOnly: false,
    passWithNoTests: false,
    retry: 0,
  },
})
