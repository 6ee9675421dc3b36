import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'

/** The processes of this machine. A zombie counts as ended, because in a container without an init no process collects it. */
export type ProcessTable = {
  /** The start time of a process; a number that, with the pid, identifies one process for ever. Undefined if it has ended. */
  startOf: (pid: number) => number | undefined
  /** Whether a process has exactly this command line. */
  runs: (pid: number, command: readonly string[]) => boolean
  /** All processes with exactly this command line. */
  running: (command: readonly string[]) => number[]
}

/** /proc of Linux: start times are in the kernel's ticks since boot. */
export const procTable: ProcessTable = {
  startOf(pid) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The second field is the program's name in parentheses and may hold anything, so fields are counted from its end.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
    } catch {
      return undefined
    }
  },
  runs: (pid, command) => commandInProc(pid) === command.join('\0'),
  running: (command) =>
    readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && procTable.runs(pid, command)),
}

/** `ps`, where there is no /proc (macOS): start times are in whole seconds, and arguments are joined by spaces. */
export const psTable: ProcessTable = {
  startOf(pid) {
    const [, state = '', started = ''] =
      /^\s*(\S+)\s+(.+?)\s*$/.exec(ps('-o', 'stat=,lstart=', '-p', String(pid))) ?? []
    return state === '' || state.startsWith('Z') ? undefined : Date.parse(`${started} UTC`)
  },
  runs: (pid, command) => ps('-ww', '-o', 'command=', '-p', String(pid)).trim() === command.join(' ').trim(),
  running: (command) =>
    ps('-A', '-ww', '-o', 'pid=,command=')
      .split('\n')
      .flatMap((line) => {
        const [, pid = '', found = ''] = /^\s*(\d+)\s+(.*?)\s*$/.exec(line) ?? []
        return pid !== '' && found === command.join(' ').trim() ? [Number(pid)] : []
      }),
}

/** The process table of this system. */
export const processTable: ProcessTable = existsSync('/proc/self/stat') ? procTable : psTable

function commandInProc(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return text === '' ? undefined : text.replace(/\0$/, '')
  } catch {
    return undefined
  }
}

/** The output of `ps`, empty if there is no such process. Language and time zone are fixed, so that times are always the same. */
function ps(...args: string[]): string {
  try {
    return execFileSync('ps', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
      env: { PATH: process.env['PATH'] ?? '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
    })
  } catch {
    return ''
  }
}
