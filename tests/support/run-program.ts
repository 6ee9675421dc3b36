import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { boundToUs } from './child.ts'

export type ProgramRun = {
  args: readonly string[]
  environment: NodeJS.ProcessEnv
  signal: AbortSignal
  output: 'shown' | 'kept'
}
export type ProgramResult = { code: number; output: string; seconds: number }

/**
 * Runs a program to its end, without standard input. `shown` output goes to ours, `kept` output is returned.
 * When `signal` aborts, the program is asked to end and waited for; one that was ended by a signal has code 1.
 */
export async function runProgram(
  command: string,
  { args, environment, signal, output }: ProgramRun,
): Promise<ProgramResult> {
  if (signal.aborted) return { code: 1, output: 'not run: interrupted', seconds: 0 }
  const startedMs = performance.now()
  const stdio: StdioOptions = output === 'kept' ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit']
  // In a process group of its own: Ctrl-C comes to us, and from us once, so that vitest stops in order instead of being
  // forced.
  const [file, ...rest] = boundToUs({ command, args, endSignal: 'SIGINT' })
  const child = spawn(file, rest, { env: environment, stdio, detached: true })
  const end = () => child.kill('SIGINT')
  signal.addEventListener('abort', end)
  try {
    const ended = once(child, 'close')
    const [stdout, stderr] = await Promise.all([
      child.stdout ? text(child.stdout) : '',
      child.stderr ? text(child.stderr) : '',
    ])
    const [code] = (await ended) as [number | null]
    return { code: code ?? 1, output: stdout + stderr, seconds: (performance.now() - startedMs) / 1000 }
  } finally {
    signal.removeEventListener('abort', end)
  }
}
