import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { join } from 'node:path'
import { constants, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { BackgroundCommand, CommandRun } from '../../api/operations/background-command.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/platform-error.ts'
import type { CliErrorCode } from '../failure.ts'

const program = join(import.meta.dirname, '../../main.ts')
/** A longer run hangs. */
const maxRunMs = 12 * 3_600_000
/** After SIGTERM; the closing of a council gives its steps more. */
const graceMs = 2_000
/** The verifier lists 100 faults. */
const maxResults = 1_000

const ProgressLine = z.object({
  progress: z.string(),
  done: z.number().optional(),
  total: z.number().optional(),
  perSecond: z.number().optional(),
  remainingMs: z.number().optional(),
})
const FailureLine = z.object({ code: z.string(), message: z.string() })

type Running = { run: CommandRun; child: ChildProcessByStdio<null, Readable, Readable>; ended: Promise<void> }

/** Runs a command of this program with the settings of this process, at a lower priority. */
export function backgroundCommand({ nowMs }: Clock): BackgroundCommand {
  let latest: CommandRun | null = null
  let running: Running | null = null

  const start: BackgroundCommand['start'] = (args, about) => {
    if (running) return false
    const run: CommandRun = {
      ...about,
      state: 'running',
      startedAtMs: nowMs(),
      endedAtMs: null,
      progress: null,
      results: [],
      failure: null,
    }
    const child = spawn(process.execPath, [program, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
    lower(child.pid)
    latest = run
    running = { run, child, ended: follow(run, child).then(() => void (running = null)) }
    return true
  }

  async function follow(run: CommandRun, child: Running['child']): Promise<void> {
    const lines = [
      eachLine(child.stdout, (value) => keep(run, value)),
      eachLine(child.stderr, (value) => note(run, value)),
    ]
    const tooLong = setTimeout(() => child.kill('SIGKILL'), maxRunMs)
    const how = await endOf(child)
    clearTimeout(tooLong)
    await Promise.all(lines)
    // A verification with faults exits with 1 and has a verdict.
    const hasFailed = how !== 'exit code 0' && run.results.length === 0 && run.state === 'running'
    if (hasFailed) run.failure ??= { code: 'internal' satisfies CliErrorCode, message: `the process ended with ${how}` }
    else if (run.results.length > 0) run.failure = null
    if (run.state === 'running') run.state = 'ended'
    run.endedAtMs = nowMs()
  }

  return {
    latest: () => latest,
    start,
    async cancel() {
      if (!running) return false
      const { run, child, ended } = running
      run.state = 'cancelled'
      child.kill('SIGTERM')
      const patience = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(patience)
      return true
    },
  }
}

/** Leaves the processors to those who wait for an answer. */
function lower(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It runs at the priority of the server.
  }
}

const endOf = (child: Running['child']): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)))
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })

async function eachLine(stream: Readable, take: (value: unknown) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) {
    const value = parsed(line)
    if (value !== null) take(value)
  }
}

function keep(run: CommandRun, value: unknown): void {
  const kept = run.results.length < maxResults ? run.results : run.results.slice(0, -1)
  run.results = [...kept, value]
}

function note(run: CommandRun, value: unknown): void {
  const progress = ProgressLine.safeParse(value)
  if (progress.success) {
    const { progress: step, done = 0, total = null, perSecond = 0, remainingMs = null } = progress.data
    run.progress = { step, done, total, perSecond, remainingMs }
  }
  const failure = FailureLine.safeParse(value)
  if (failure.success) run.failure = failure.data
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
