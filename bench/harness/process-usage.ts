import { readFileSync } from 'node:fs'

/** The clock ticks per second of /proc on Linux, whatever the kernel's own rate. */
const ticksPerSecond = 100
const pageBytes = 4096

export type Usage = { cpuSeconds: number; residentBytes: number }

/** The CPU time of all threads of a process so far, and its memory now. Linux only; source: proc_pid_stat(5). */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program, in parentheses, may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return { cpuSeconds: (field(14) + field(15)) / ticksPerSecond, residentBytes: field(24) * pageBytes }
}

/** Watches processes by name. */
export function watchProcesses<Name extends string>(pids: Readonly<Record<Name, number>>) {
  const names = Object.keys(pids) as Name[]
  const all = (): Record<Name, Usage> =>
    Object.fromEntries(names.map((name) => [name, usageOf(pids[name])])) as Record<Name, Usage>
  return {
    all,
    /** The cores that each process has used since `before`. */
    coresSince(before: { usage: Record<Name, Usage>; atMs: number }): Record<Name, number> {
      const now = all()
      const seconds = (performance.now() - before.atMs) / 1000
      return Object.fromEntries(
        names.map((name) => [name, (now[name].cpuSeconds - before.usage[name].cpuSeconds) / seconds]),
      ) as Record<Name, number>
    },
    mark: () => ({ usage: all(), atMs: performance.now() }),
  }
}
