import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A child process of a benchmark. Its unexpected end fails the run, whatever the benchmark waits for at that moment. */
export type SupervisedChild = {
  /** Resolves with the value that `wait` passes on. Throws if the child ends first, or after `maxMs`. */
  until: <T>(what: string, maxMs: number, wait: (resolve: (value: T) => void) => void) => Promise<T>
  /** Asks the child to end, and resolves after it has. A child that does not comply gets SIGKILL. */
  end: (ask: () => void) => Promise<void>
}

const failure = Promise.withResolvers<never>()
failure.promise.catch(() => undefined)
/** Rejects when a child ends that was not asked to. */
export const childFailure: Promise<never> = failure.promise

const keptLines = 20
const maxEndMs = 30_000
const drainMs = 100
const running = new Set<ChildProcess>()

/** For the end of a failed run: no child may write to the data folder while it is removed. */
export async function killChildren(): Promise<void> {
  const ended = [...running].map((child) => new Promise((resolve) => child.once('exit', resolve)))
  for (const child of running) child.kill('SIGKILL')
  running.clear()
  await Promise.race([Promise.all(ended), new Promise((resolve) => setTimeout(resolve, 5_000))])
}

export function supervise(name: string, child: ChildProcess, onLine: (line: string) => void): SupervisedChild {
  const lines: string[] = []
  const died = Promise.withResolvers<never>()
  died.promise.catch(() => undefined)
  const closed = Promise.withResolvers<undefined>()
  let isEnding = false

  const describe = (problem: string): Error =>
    new Error(`${name} ${problem}. Its last output:\n${lines.length > 0 ? lines.join('\n') : '(none)'}`)
  const die = (problem: string): void => {
    running.delete(child)
    closed.resolve(undefined)
    const error = describe(problem)
    died.reject(error)
    if (!isEnding) failure.reject(error)
  }
  running.add(child)
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on('line', (line) => {
        if (lines.push(line) > keptLines) lines.shift()
        onLine(line)
      })
  child.once('error', (error) => die(`failed: ${error.message}`))
  // Not `close`, which never comes after `disconnect()`. The delay lets the last output arrive.
  child.once('exit', (code, signal) => {
    setTimeout(() => die(`ended unexpectedly with ${signal ?? `code ${code}`}`), drainMs)
  })

  return {
    until: async <T>(what: string, maxMs: number, wait: (resolve: (value: T) => void) => void) => {
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => late.reject(describe(`took more than ${maxMs / 1000} s to ${what}`)), maxMs)
      try {
        return await Promise.race([new Promise<T>(wait), died.promise, late.promise])
      } finally {
        clearTimeout(timer)
      }
    },
    end: async (ask) => {
      isEnding = true
      if (!running.has(child)) return
      ask()
      const timer = setTimeout(() => child.kill('SIGKILL'), maxEndMs)
      await closed.promise
      clearTimeout(timer)
    },
  }
}

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))

/** The command line under which a program ends with its parent (Linux only), run as `user` if one is given. */
export function boundToParent(command: string, args: readonly string[], user?: string): [string, string[]] {
  if (setpriv === undefined) return [command, [...args]]
  const asUser = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
  return [setpriv, [...asUser, '--pdeathsig=KILL', '--', command, ...args]]
}
