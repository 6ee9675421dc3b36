import { readFileSync } from 'node:fs'
import { MissingPrerequisite } from './peers.ts'

/** Checks how many files, and so sockets, each process may have open. Linux only. */
export function requireOpenFiles(needed: number): void {
  const [, soft = '0'] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  if (soft === 'unlimited' || Number(soft) >= needed) return
  throw new MissingPrerequisite(
    `A process may have ${soft} files open, and the benchmark needs ${needed}. In the same shell, run:\n  ulimit -n ${needed}`,
  )
}
