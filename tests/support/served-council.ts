import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning, startServer, stopChild } from './child.ts'
import { testMacKey } from './council.ts'
import { processLine, transcriptOf } from './process-line.ts'

export const adminToken = 'a-token-for-tests-that-is-long-enough'
const program = join(import.meta.dirname, '../../src/main.ts')

/** One process of the council under test, started as an operator does. */
export type ServedCouncil = {
  /** Empty without the role `api`. */
  url: string
  child: ChildProcess
  /** Its log, line by line. */
  lines: () => readonly string[]
  /** Resolves with the first log line that matches. */
  line: (pattern: RegExp) => Promise<string>
  /** SIGTERM; resolves with the exit code. */
  stop: () => Promise<number | null>
  kill: () => Promise<void>
}

/** Starts `council serve` with these settings, in a new DATA_DIR, with the MAC key of all tests. */
export async function serveCouncil(
  settings: Record<string, string>,
  roles = 'api,worker,projector',
): Promise<ServedCouncil> {
  const folder = await mkdtemp(join(tmpdir(), 'council-test-'))
  const { PATH = '', HOME = '' } = process.env
  const macKeyFile = join(folder, 'mac-key')
  await writeFile(macKeyFile, `${testMacKey.toString('base64url')}\n`, { mode: 0o600 })
  const env = {
    PATH,
    HOME,
    NO_COLOR: '1',
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: join(folder, 'data'),
    ADMIN_TOKEN: adminToken,
    WORKER_LEASE_MS: '1000',
    MAC_KEY_FILE: macKeyFile,
    ...settings,
  }
  const child = await startServer(
    { command: process.execPath, args: [program, 'serve', '--roles', roles], env, endSignal: 'SIGTERM' },
    /"msg":"the council is ready"/,
  )
  const ready = JSON.parse(await processLine(child, /"msg":"the council is ready"/)) as { url?: string }
  return {
    url: ready.url ?? '',
    child,
    lines: () => transcriptOf(child),
    line: (pattern) => processLine(child, pattern),
    async stop() {
      await stopChild(child, 'SIGTERM')
      await rm(folder, { recursive: true, force: true })
      return child.exitCode
    },
    async kill() {
      if (!isRunning(child)) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
