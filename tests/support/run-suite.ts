import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { runProgram } from './run-program.ts'
import type { Counts } from './verdict.ts'

/** The part of vitest's JSON report that is read. */
const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(
    z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) }),
  ),
})
type Report = z.infer<typeof Report>

/** A test that never gives the event loop back cannot be timed out from within its process. */
const deadlineMs = 30 * 60_000

export type SuiteOptions = { environment: NodeJS.ProcessEnv; reportFile: string; signal: AbortSignal }

/**
 * Runs vitest with these arguments and counts what it reports. A run that crashed, found no test or had unhandled
 * errors has failed.
 */
export async function runSuite(
  args: readonly string[],
  { environment, reportFile, signal }: SuiteOptions,
): Promise<Counts> {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const deadline = AbortSignal.timeout(deadlineMs)
  const ends = AbortSignal.any([signal, deadline])
  const { code, seconds } = await runProgram('vitest', {
    args: ['run', ...reporters, ...args],
    environment,
    signal: ends,
    output: 'shown',
  })
  if (deadline.aborted)
    console.log(`the tests did not end within ${deadlineMs / 60_000} minutes: the file that is missing above hangs`)
  const counts = verdictOn({ code, report: await readReport(reportFile) })
  console.log(`${counts.failed === 0 ? 'ok  ' : 'FAIL'} ${'tests'.padEnd(8)} ${seconds.toFixed(1)} s`)
  return counts
}

/** Counts a finished run. What vitest does not count as a failed test, but makes it fail, is one failure. */
export function verdictOn({ code, report }: { code: number; report: Report | undefined }): Counts {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  )
  const failed = report.numFailedTests + brokenFiles.length
  const skipped = report.numPendingTests + report.numTodoTests
  const ranNothing = report.numPassedTests + failed === 0
  return { passed: report.numPassedTests, failed: failed === 0 && (code !== 0 || ranNothing) ? 1 : failed, skipped }
}

async function readReport(file: string): Promise<Report | undefined> {
  const json = await readFile(file, 'utf8').catch(() => undefined)
  return json === undefined ? undefined : Report.parse(JSON.parse(json))
}
