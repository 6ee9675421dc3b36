import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startServer, stopChild } from '../../support/child.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts'
import { processLine, transcriptOf } from '../../support/process-line.ts'
import type { ChildOptions } from './child-options.ts'

/** The program of each kind of process in a round. */
export const roles = {
  gate: fileURLToPath(new URL('gate-child.ts', import.meta.url)),
  worker: fileURLToPath(new URL('worker-child.ts', import.meta.url)),
  archiver: fileURLToPath(new URL('archiver-child.ts', import.meta.url)),
  projector: fileURLToPath(new URL('read-models-child.ts', import.meta.url)),
} as const
export type Role = keyof typeof roles

/** A process of a round, which a fault may kill and start again. Its proxy to Redis survives it. */
export type Part = {
  role: Role
  proxy: FaultProxy
  start: () => Promise<void>
  kill: () => Promise<void>
  signal: (signal: 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2') => void
  /** Stops it with SIGTERM; rejects if it does not stop. */
  stop: () => Promise<void>
  line: (pattern: RegExp) => Promise<string>
  lines: () => readonly string[]
}

export type PartOptions = Omit<ChildOptions, 'name' | 'redisUrl' | 'begins'> & { redisPort: number }

export async function createPart(role: Role, name: string, { redisPort, ...options }: PartOptions): Promise<Part> {
  const proxy = await startFaultProxy(redisPort)
  let child: ChildProcess | undefined
  let starts = 0
  const running = (): ChildProcess => {
    if (!child) throw new Error(`${name} was never started`)
    return child
  }
  return {
    role,
    proxy,
    async start() {
      starts++
      const told: ChildOptions = {
        ...options,
        name: `${name}.${starts}`,
        redisUrl: proxy.redisUrl,
        seed: options.seed + starts * 17,
        begins: name === 'gate-1' && starts === 1,
      }
      child = await startServer(
        { command: process.execPath, args: [roles[role], JSON.stringify(told)], endSignal: 'SIGTERM' },
        /^ready$/,
      )
    },
    kill: async () => child && stopChild(child, 'SIGKILL'),
    signal: (signal) => void running().kill(signal),
    async stop() {
      if (child) await stopChild(child, 'SIGTERM')
      await proxy.close()
    },
    line: (pattern) => processLine(running(), pattern, 30_000),
    lines: () => transcriptOf(running()),
  }
}
