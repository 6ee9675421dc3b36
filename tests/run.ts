import { availableParallelism } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { runChecks, type Check } from './support/run-checks.ts'
import { runSuite } from './support/run-suite.ts'
import { makeScratch, removeLeftOvers, removeScratch } from './support/scratch.ts'
import { verdictLine, type Counts } from './support/verdict.ts'

/**
 * The whole verdict on this repository: types, lint, architecture, unused code, then the tests.
 * Arguments go to vitest, so `bin/test chat` runs every check and the test files whose path has `chat` in it.
 * The last line is `N passed, N failed, N skipped`, a check counting as a test; exits 1 when anything failed.
 */
const checks: readonly Check[] = [
  { name: 'lint', command: 'eslint', args: ['.', '--max-warnings', '0'] },
  { name: 'types', command: 'tsc', args: [] },
  { name: 'types of the dashboard', command: 'tsc', args: ['-p', 'web'] },
  { name: 'format', command: 'prettier', args: ['--check', '{src,web,tests,bench,migrations}/**/*.{ts,tsx}'] },
  { name: 'rules', command: 'node', args: ['tests/rules.ts'] },
  { name: 'unused', command: 'knip', args: ['--no-config-hints'] },
]

const scratch = await makeScratch()
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort(signal))

const environment = { ...process.env, PATH: [resolve('node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter) }
const checked = await runChecks(checks, { environment, atOnce: availableParallelism(), signal: interrupted.signal })
const tested = await runSuite(process.argv.slice(2), {
  environment,
  reportFile: join(scratch, 'report.json'),
  signal: interrupted.signal,
})
const total: Counts = {
  passed: checked.passed + tested.passed,
  failed: checked.failed + tested.failed,
  skipped: checked.skipped + tested.skipped,
}
await removeScratch(scratch)
await removeLeftOvers()
process.exitCode = total.failed > 0 ? 1 : 0
console.log(verdictLine(total))
