import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { supervise, type PausesMs } from '../backoff.ts'
import { childEnvironment } from './child-environment.ts'
import { faultOf, oomKills, type ChildFault } from './child-fault.ts'
import { logTail, openLog, type ChildLog } from './child-log.ts'
import { removePidFile, writePidFile } from './orphans.ts'
import { PlatformError, messageOf } from '../platform-error.ts'
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
  /** Resolves when the child can be used. The signal aborts when the launch has ended. */
  waitUntilReady: (child: ChildProcess, abandoned: AbortSignal) => Promise<void>
  readyTimeoutMs: number
  /** How long the child has after SIGTERM; then its whole group gets SIGKILL. */
  stopGraceMs: number
}

export type ChildReport =
  /** It ended on its own and restarts after `retryInMs`. */
  | { kind: 'ended'; name: string; fault: ChildFault; retryInMs: number }
  /** A restart did not make it usable; the next one follows after `retryInMs`. */
  | { kind: 'not_started'; name: string; fault: ChildFault; retryInMs: number }
  | { kind: 'restarted'; name: string; pid: number; attempt: number }

/** The pauses before restarts. A child that was usable for `stableAfterMs` starts again with the first pause. */
export type RestartPolicy = { pausesMs: PausesMs; stableAfterMs: number }
export const defaultRestartPolicy: RestartPolicy = {
  pausesMs: [50, 200, 1_000, 3_000, 5_000, 10_000, 15_000],
  stableAfterMs: 60_000,
}

export type Child = {
  name: string
  pid: () => number | undefined
  /** Why it is not running, and the number of consecutive restarts; undefined while it runs. */
  fault: () => (ChildFault & { attempts: number }) | undefined
  stop: () => Promise<void>
}
export type Supervision = { dataDir: string; onReport: (report: ChildReport) => void; restarts?: RestartPolicy }

type Exit = { code: number | null; signal: NodeJS.Signals | null }
type Started = { process: ChildProcess; pid: number; exited: Promise<Exit> }
type Running = Started & { readyAtMs: number; log: ChildLog; oomKillsBefore: number }

/**
 * Starts a child and restarts it with growing pauses whenever it ends on its own, without a limit.
 * The child runs detached, in its own process group, so Ctrl-C reaches only the council and the council stops its children in order.
 * Resolves when the child is usable for the first time; throws `child_not_ready` (with the cause and the end of its log) if it does
 * not become usable.
 */
export async function startChild(
  spec: ChildSpec,
  { dataDir, onReport, restarts = defaultRestartPolicy }: Supervision,
): Promise<Child> {
  const stopping = new AbortController()
  const { name } = spec
  let running: Running | undefined = await launch(spec, dataDir, stopping.signal)
  let fault: ChildFault | undefined
  let attempts = 0

  const restart = async (): Promise<Running> => {
    attempts += 1
    running = await launch(spec, dataDir, stopping.signal)
    fault = undefined
    onReport({ kind: 'restarted', name, pid: running.pid, attempt: attempts })
    return running
  }

  /** One life of the child: throws ChildEnded when it ends on its own, ChildNotReady when it cannot be started. */
  const live = async (progressed: () => void): Promise<void> => {
    const child = running ?? (await restart())
    // `stop` ends a child that became ready at the same moment.
    if (stopping.signal.aborted) return
    const exit = await child.exited
    // Its own children end too: they may hold the same files.
    signal(child.pid, 'SIGKILL', { group: true })
    running = undefined
    if (performance.now() - child.readyAtMs >= restarts.stableAfterMs) {
      attempts = 0
      progressed()
    }
    if (stopping.signal.aborted) return
    throw new ChildEnded(
      faultOf({
        how: wordsFor(exit),
        said: child.log.said(),
        dataDir,
        ...(exit.signal === 'SIGKILL' && { killed: child }),
      }),
    )
  }

  const supervised = supervise(
    {
      run: live,
      onFailure(error, retryInMs) {
        const isKnown = error instanceof ChildEnded || error instanceof ChildNotReady
        fault = isKnown ? error.fault : faultOf({ how: messageOf(error), said: '', dataDir })
        onReport({ kind: error instanceof ChildEnded ? 'ended' : 'not_started', name, fault, retryInMs })
        return 'retry'
      },
      pausesMs: restarts.pausesMs,
    },
    stopping.signal,
  )

  const stop = async (): Promise<void> => {
    stopping.abort()
    if (running !== undefined) await end(running, spec.stopGraceMs)
    await supervised
    // A restart may have become ready at the same moment.
    if (running !== undefined) await end(running, spec.stopGraceMs)
    removePidFile(dataDir, name)
  }
  return { name, pid: () => running?.pid, fault: () => fault && { ...fault, attempts }, stop }
}

/** The end of a child that was usable. */
class ChildEnded extends Error {
  readonly fault: ChildFault

  constructor(fault: ChildFault) {
    super(fault.message)
    this.name = 'ChildEnded'
    this.fault = fault
  }
}

/** A failed launch and its cause. */
class ChildNotReady extends PlatformError {
  readonly fault: ChildFault

  constructor(message: string, fault: ChildFault, cause: unknown) {
    super('child_not_ready', message, cause)
    this.fault = fault
  }
}

const wordsFor = ({ code, signal: name }: Exit): string => `it ended with ${name ?? `exit code ${code}`}`

async function launch(spec: ChildSpec, dataDir: string, stopping: AbortSignal): Promise<Running> {
  const command = [spec.command, ...spec.args]
  writePidFile(dataDir, spec.name, { command })
  const oomKillsBefore = oomKills()
  const log = openLog(dataDir, spec.name)
  const child = spawn(spec.command, spec.args, {
    detached: true,
    env: childEnvironment(),
    stdio: ['ignore', log.fd, log.fd, spec.ipc ? 'ipc' : 'ignore'],
  })
  log.close()
  const exited = new Promise<Exit>((resolve) =>
    child.once('exit', (code, signalName) => resolve({ code, signal: signalName })),
  )
  await once(child, 'spawn').catch((error: unknown) => {
    throw new ChildNotReady(
      `${spec.name} cannot be started: ${messageOf(error)}`,
      faultOf({ how: messageOf(error), said: '', dataDir }),
      error,
    )
  })
  // A signal or a message that arrives too late must not end the council.
  child.on('error', () => {})

  const running = { process: child, pid: child.pid ?? 0, exited }
  const abandoned = new AbortController()
  const tooLate = AbortSignal.any([stopping, AbortSignal.timeout(spec.readyTimeoutMs)])
  try {
    const ticks = startTicks(running.pid)
    if (ticks !== undefined)
      writePidFile(dataDir, spec.name, { command, process: { pid: running.pid, startTicks: ticks } })
    await Promise.race([
      spec.waitUntilReady(child, abandoned.signal),
      exited.then((exit) => Promise.reject(new Error(wordsFor(exit)))),
      aborted(tooLate, `it was not ready within ${spec.readyTimeoutMs} ms`),
    ])
    return { ...running, readyAtMs: performance.now(), log, oomKillsBefore }
  } catch (error) {
    await end(running, spec.stopGraceMs)
    const fault = faultOf({ how: messageOf(error), said: log.said(), dataDir })
    const cause = fault.code === 'child_ended' ? messageOf(error) : `${fault.code}: ${fault.message}`
    throw new ChildNotReady(`${spec.name} did not start: ${cause}. ${logTail(dataDir, spec.name)}`, fault, error)
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
