import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { isRunning, startServer, stopChild, type Program } from './child.ts'

export type Restartable = {
  /** Ends it as a crash does: what was not yet written is lost. Resolves when the process is gone. */
  kill: () => Promise<void>
  /** Starts again on the same folder and address, after `kill`. Resolves when it serves. */
  start: () => Promise<void>
  /** Stops its process in its tracks, or lets it go on. */
  signal: (signal: 'SIGSTOP' | 'SIGCONT') => void
  /** Of the running process. */
  pid: () => number
  /** Resolves when it has ended by itself. */
  ended: () => Promise<void>
  /** Ends it in order and for good, and removes its folder. */
  stop: () => Promise<void>
}

export type ServerPlan = { program: Program; readyLine: RegExp; crashSignal: NodeJS.Signals; dir: string }

/**
 * Starts a server that a test may kill and start again; it serves when this resolves. If it cannot be started its
 * folder goes too.
 */
export async function startRestartable({ program, readyLine, crashSignal, dir }: ServerPlan): Promise<Restartable> {
  let child: ChildProcess | undefined
  const removeDir = () => rm(dir, { recursive: true, force: true })
  const end = async (signal: NodeJS.Signals) => {
    if (child) await stopChild(child, signal)
  }
  const start = async () => {
    if (child && isRunning(child)) throw new Error(`${program.command} is running already`)
    child = await startServer(program, readyLine)
  }
  await start().catch(async (cause: unknown) => {
    await removeDir()
    throw cause
  })
  const running = (): ChildProcess & { pid: number } => {
    if (!child || !isRunning(child) || child.pid === undefined) throw new Error(`${program.command} is not running`)
    return Object.assign(child, { pid: child.pid })
  }
  return {
    start,
    signal: (signal) => void running().kill(signal),
    pid: () => running().pid,
    async ended() {
      if (child && isRunning(child)) await once(child, 'exit')
    },
    kill: () => end(crashSignal),
    stop: async () => {
      await end(program.endSignal)
      await removeDir()
    },
  }
}
