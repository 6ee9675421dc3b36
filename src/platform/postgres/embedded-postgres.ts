import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startChild, type Child, type ChildReport } from '../process/children.ts'
import { dataPaths, makePrivateDir } from '../process/data-dir.ts'
import { socketDir } from '../process/socket-dir.ts'

export type EmbeddedPostgres = { url: string; child: Child }

/** The first start creates a database cluster: about 6 s on a small machine; later starts take under 1 s. */
const readyTimeoutMs = 120_000
const stopGraceMs = 10_000
const childProgram = join(import.meta.dirname, 'pglite-child.ts')

/**
 * Runs PGlite on a DATA_DIR as a Postgres on a Unix socket that only this user can open. Only for the holder of the DATA_DIR's
 * lock, after `endOrphans`: two processes on one folder silently lose rows.
 * It does not fsync, so it is not crash-safe and may hold only data that the log can rebuild. All its connections share one session;
 * use it only through `connectPostgres`. Throws `child_not_ready` if it does not start.
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  onReport: (report: ChildReport) => void,
): Promise<EmbeddedPostgres> {
  const { pglite } = dataPaths(dataDir)
  makePrivateDir(pglite)
  const sockets = socketDir(dataDir)
  const child = await startChild(
    {
      name: 'pglite',
      command: process.execPath,
      args: [childProgram, pglite, sockets],
      ipc: true,
      waitUntilReady,
      readyTimeoutMs,
      stopGraceMs,
    },
    { dataDir, onReport },
  )
  return { url: `postgres://postgres@localhost/postgres?host=${encodeURIComponent(sockets)}`, child }
}

async function waitUntilReady(child: ChildProcess, signal: AbortSignal): Promise<void> {
  await once(child, 'message', { signal })
}
