import { runProgram } from './run-program.ts'
import type { Counts } from './verdict.ts'

/** A check is a program that says what is wrong and then exits with something else than 0. */
export type Check = { name: string; command: string; args: readonly string[] }

export type CheckOptions = { environment: NodeJS.ProcessEnv; atOnce: number; signal: AbortSignal }

/**
 * Runs the checks, `atOnce` of them side by side in the order given; prints a line for each as it ends, and what a
 * failing one said.
 */
export async function runChecks(
  checks: readonly Check[],
  { environment, atOnce, signal }: CheckOptions,
): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const waiting = checks.values()
  const lane = async () => {
    for (const { name, command, args } of waiting) {
      const { code, output, seconds } = await runProgram(command, { args, environment, signal, output: 'kept' })
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(8)} ${seconds.toFixed(1)} s`)
      if (code === 0) counts.passed += 1
      else {
        counts.failed += 1
        console.log(output.trimEnd().replaceAll(/^/gm, '     '))
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return counts
}
