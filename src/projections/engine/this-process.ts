import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Rebuilder } from './rebuild-lease.ts'

/** This process as a rebuilder of read models. */
export const thisProcess: Rebuilder = { host: hostname(), pid: process.pid, isAlive, newFence: randomUUID }

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Any error other than "no such process" concerns a running process.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
