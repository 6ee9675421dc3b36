import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Rebuilder } from './rebuild-lease.ts'

/** This process, as one that rebuilds read models. */
export const thisProcess: Rebuilder = { host: hostname(), pid: process.pid, isAlive, newFence: randomUUID }

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Any other error than "no such process" is about somebody's running process.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
