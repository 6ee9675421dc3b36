import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { readServerFile } from '../../src/platform/process/server-file.ts'
import { isRunning } from './child.ts'
import { processLine, transcriptOf } from './process-line.ts'

const root = join(import.meta.dirname, '../..')
const startMs = 120_000

/** `bin/start` on a DATA_DIR, with everything embedded, in a process group of its own: as from a terminal. */
export type StartedCouncil = {
  child: ChildProcess
  server: () => { url: string; token: string }
  output: () => string
  /** SIGINT to the council, as Ctrl-C does; resolves with the exit code. */
  interrupt: () => Promise<number | null>
  /** SIGKILL to the whole process group. */
  killGroup: () => Promise<void>
}

const environment = (dataDir: string): NodeJS.ProcessEnv => {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, NO_COLOR: '1', DATA_DIR: dataDir, PORT: '0', WORKER_LEASE_MS: '1000' }
}

/** `bin/start` in a process group of its own, from its first moment on. */
export function launchCouncil(dataDir: string, settings: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(join(root, 'bin/start'), [], {
    detached: true,
    env: { ...environment(dataDir), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  transcriptOf(child)
  return child
}

export async function startCouncil(dataDir: string, settings: NodeJS.ProcessEnv = {}): Promise<StartedCouncil> {
  const child = launchCouncil(dataDir, settings)
  await processLine(child, /Ctrl-C stops everything/, startMs)
  const ended = () => (isRunning(child) ? once(child, 'exit') : Promise.resolve())
  const killGroup = async (): Promise<void> => {
    const over = ended()
    if (child.pid && isRunning(child)) process.kill(-child.pid, 'SIGKILL')
    await over
  }
  return {
    child,
    server() {
      const file = readServerFile(dataDir)
      if (!file) throw new Error(`no server file in ${dataDir}`)
      return file
    },
    output: () => transcriptOf(child).join('\n'),
    async interrupt() {
      const over = ended()
      child.kill('SIGINT')
      await over
      return child.exitCode
    },
    killGroup,
  }
}

/** One call of `bin/council` for a council that was started on this DATA_DIR. */
export const council = (
  dataDir: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      join(root, 'bin/council'),
      args,
      { env: environment(dataDir), maxBuffer: 64 * 1024 * 1024 },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? 1, stdout, stderr }),
    )
  })
