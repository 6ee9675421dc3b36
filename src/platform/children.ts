import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { childEnvironment } from './child-environment.ts'
import { logTail, openLog } from './child-log.ts'
import { removePidFile, writePidFile } from './leftovers.ts'
import { PlatformError, messageOf } from './platform-error.ts'
import { signal, startTicks } from './processes.ts'

export type ChildSpec = {
  /** Names its log (DATA_DIR/logs/<name>.log) and its pid file (DATA_DIR/run/<name>.json). */
  name: string
  /** An absolute path to a program, not to a script: the pid file recognises the child by its command line. */
  command: string
  /** Must hold the DATA_DIR's path, for the same reason. */
  args: readonly string[]
  /** Opens a channel through which the child notices that its parent is gone. */
  ipc?: boolean
  /** Resolves when the child can be used. The signal aborts when there is nothing to wait for any more. */
  waitUntilReady: (child: ChildProcess, abandoned: AbortSignal) => Promise<void>
  readyTimeoutMs: number
  /** How long the child has after SIGTERM; then its whole group gets SIGKILL. */
  stopGraceMs: number
}

export type ChildReport =
  | { kind: 'ended'; name: string; code: number | null; signal: NodeJS.Signals | null }
  | { kind: 'restarted'; name: string; pid: number; attempt: number }
  /** It will not be started again; whatever needs it fails from now on. */
  | { kind: 'given_up'; name: string; attempts: number; reason: string }

/** Waits before each restart in a row; a child that was usable for `stableAfterMs` starts a new row. */
export type RestartPolicy = { delaysMs: readonly number[]; stableAfterMs: number }
export const defaultRestartPolicy: RestartPolicy = { delaysMs: [50, 200, 1_000, 3_000, 5_000, 5_000], stableAfterMs: 60_000 }

export type Child = { name: string; pid: () => number | undefined; stop: () => Promise<void> }
export type Supervision = { dataDir: string; onReport: (report: ChildReport) => void; restarts?: RestartPolicy }

type Exit = { code: number | null; signal: NodeJS.Signals | null }
type Started = { process: ChildProcess; pid: number; exited: Promise<Exit> }
type Running = Started & { readyAtMs: number }

/**
 * Starts a child and keeps it running: one that ends by itself is started again, with growing waits, a bounded number of times.
 * It runs detached, in a group of its own, so that Ctrl-C reaches the council alone and the council decides the order of the ends.
 * Resolves when it is usable for the first time; throws `child_not_ready` (with the end of its log) when it does not get there.
 */
export async function startChild(spec: ChildSpec, { dataDir, onReport, restarts = defaultRestartPolicy }: Supervision): Promise<Child> {
  const stopping = new AbortController()
  const isStopping = (): boolean => stopping.signal.aborted
  let running: Running | undefined = await launch(spec, dataDir, stopping.signal)

  const supervise = async (): Promise<void> => {
    let attempt = 0
    let reason = 'it ended too often'
    for (;;) {
      if (running !== undefined) {
        const exit = await running.exited
        // What it started itself goes too: it may hold the same files.
        signal(running.pid, 'SIGKILL', { group: true })
        if (performance.now() - running.readyAtMs >= restarts.stableAfterMs) attempt = 0
        running = undefined
        if (!isStopping()) onReport({ kind: 'ended', name: spec.name, ...exit })
      }
      if (isStopping()) return
      const waitMs = restarts.delaysMs[attempt]
      if (waitMs === undefined) {
        onReport({ kind: 'given_up', name: spec.name, attempts: attempt, reason })
        return
      }
      attempt += 1
      try {
        await delay(waitMs, undefined, { signal: stopping.signal })
        running = await launch(spec, dataDir, stopping.signal)
        onReport({ kind: 'restarted', name: spec.name, pid: running.pid, attempt })
      } catch (error) {
        reason = messageOf(error)
      }
    }
  }
  const supervised = supervise()

  const stop = async (): Promise<void> => {
    stopping.abort()
    if (running !== undefined) await end(running, spec.stopGraceMs)
    await supervised
    removePidFile(dataDir, spec.name)
  }
  return { name: spec.name, pid: () => running?.pid, stop }
}

async function launch(spec: ChildSpec, dataDir: string, stopping: AbortSignal): Promise<Running> {
  const command = [spec.command, ...spec.args]
  writePidFile(dataDir, spec.name, { command })
  const log = openLog(dataDir, spec.name)
  const child = spawn(spec.command, spec.args, { detached: true, env: childEnvironment(), stdio: ['ignore', log.fd, log.fd, spec.ipc ? 'ipc' : 'ignore'] })
  log.close()
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signalName) => resolve({ code, signal: signalName })))
  await once(child, 'spawn').catch((error: unknown) => {
    throw new PlatformError('child_not_ready', `${spec.name} cannot be started: ${messageOf(error)}`, error)
  })
  // A signal or a message that comes too late for it is no reason to end the council.
  child.on('error', () => {})

  const running = { process: child, pid: child.pid ?? 0, exited }
  const abandoned = new AbortController()
  const tooLate = AbortSignal.any([stopping, AbortSignal.timeout(spec.readyTimeoutMs)])
  try {
    const ticks = startTicks(running.pid)
    if (ticks !== undefined) writePidFile(dataDir, spec.name, { command, process: { pid: running.pid, startTicks: ticks } })
    await Promise.race([
      spec.waitUntilReady(child, abandoned.signal),
      exited.then((exit) => Promise.reject(new Error(`it ended with ${exit.signal ?? `exit code ${exit.code}`}`))),
      aborted(tooLate, `it was not ready within ${spec.readyTimeoutMs} ms`),
    ])
    return { ...running, readyAtMs: performance.now() }
  } catch (error) {
    await end(running, spec.stopGraceMs)
    throw new PlatformError('child_not_ready', `${spec.name} did not start: ${messageOf(error)}. ${logTail(dataDir, spec.name)}`, error)
  } finally {
    abandoned.abort()
  }
}

async function end({ process: child, pid, exited }: Started, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const patience = setTimeout(() => signal(pid, 'SIGKILL', { group: true }), graceMs)
  await exited
  clearTimeout(patience)
}

const aborted = (cause: AbortSignal, reason: string): Promise<never> =>
  new Promise((_, reject) => {
    if (cause.aborted) reject(new Error(reason))
    cause.addEventListener('abort', () => reject(new Error(reason)), { once: true })
  })
