import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { processLine, transcriptOf } from './process-line.ts'

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
const maxStopMs = 30_000

/** A program to run, as `user` if the tests run as root (PostgreSQL refuses root). */
export type Program = {
  command: string
  args: readonly string[]
  cwd?: string
  env?: NodeJS.ProcessEnv
  user?: string
  endSignal: 'SIGTERM' | 'SIGINT'
}

/**
 * The command line that runs a program as its user. On Linux the kernel sends it `endSignal` when this process dies, so
 * that even a SIGKILL of the test run leaves no process.
 */
export function boundToUs({ command, args, user, endSignal }: Program): [string, ...string[]] {
  if (setpriv === undefined) return [command, ...args]
  const asUser = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
  return [setpriv, ...asUser, `--pdeathsig=${endSignal.slice(3)}`, '--', command, ...args]
}

/** Starts a program in the background and watches its output from the first line. */
function startChild(program: Program): ChildProcess {
  const [file, ...args] = boundToUs(program)
  // It has its own process group: Ctrl-C reaches only the test run, which then stops its servers in order.
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(program.cwd && { cwd: program.cwd }),
    ...(program.env && { env: program.env }),
  })
  transcriptOf(child)
  return child
}

/** Starts a server; resolves with its ready line. Otherwise the server is killed, and the error has its output. */
export async function startServer(program: Program, readyLine: RegExp): Promise<ChildProcess> {
  const child = startChild(program)
  try {
    await processLine(child, readyLine)
  } catch (cause) {
    await stopChild(child, 'SIGKILL')
    throw cause
  }
  return child
}

/** Signals a child and waits for its end. After 30 s it kills the child and rejects: a server must not hang. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return
  const ended = once(child, 'exit')
  child.kill(signal)
  const deadline = setTimeout(() => child.kill('SIGKILL'), maxStopMs)
  await ended
  clearTimeout(deadline)
  if (child.signalCode === 'SIGKILL' && signal !== 'SIGKILL')
    throw new Error(`${child.spawnargs.join(' ')} did not end within ${maxStopMs} ms of ${signal}`)
}

export const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null
