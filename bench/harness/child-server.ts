import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** `user`: whom to run it as when we are root (PostgreSQL refuses root). */
type Program = { command: string; args: readonly string[]; cwd: string; user?: string }

export type ChildServer = {
  /** Ends it in order, or as a crash does, and waits until it is gone. */
  end: (signal: NodeJS.Signals) => Promise<void>
}

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))

/** Starts a server; it has printed its ready line when this resolves. It does not outlive this process where the system can see to that (Linux). */
export async function startChildServer({ command, args, cwd, user }: Program, readyLine: RegExp): Promise<ChildServer> {
  const asUser = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
  const [file, ...all] =
    setpriv === undefined ? [command, ...args] : [setpriv, ...asUser, '--pdeathsig=KILL', '--', command, ...args]
  const child = spawn(file, all, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  await new Promise<void>((resolve, reject) => {
    const look = (line: string): void => {
      if (lines.length < 100) lines.push(line)
      if (readyLine.test(line)) resolve()
    }
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', look)
    child.once('error', reject)
    child.once('close', () => reject(new Error(`${command} ended before it served:\n${lines.join('\n')}`)))
  })
  return { end: (signal) => end(child, signal) }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
