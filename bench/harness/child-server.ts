import { spawn } from 'node:child_process'
import { boundToParent, supervise } from './supervised-child.ts'

/** `user`: the account to run as if the benchmark runs as root (PostgreSQL refuses root). */
type Program = {
  command: string
  args: readonly string[]
  cwd: string
  user?: string
  env?: Readonly<Record<string, string>>
}

export type ChildServer = {
  pid: number
  /** Sends the signal and resolves after the server has ended. */
  end: (signal: NodeJS.Signals) => Promise<void>
}

/** Redis loads a million events before it is ready. */
const maxStartMs = 180_000

/** Starts a server, and resolves when it prints `readyLine`. On Linux it cannot outlive this process. */
export async function startChildServer(
  { command, args, cwd, user, env }: Program,
  readyLine: RegExp,
): Promise<ChildServer> {
  const [file, all] = boundToParent(command, args, user)
  const child = spawn(file, all, { cwd, stdio: ['ignore', 'pipe', 'pipe'], ...(env && { env }) })
  const ready = Promise.withResolvers<undefined>()
  const supervised = supervise(command, child, (line) => {
    if (readyLine.test(line)) ready.resolve(undefined)
  })
  await supervised.until('start', maxStartMs, (resolve) => void ready.promise.then(resolve))
  return { pid: child.pid ?? 0, end: (signal) => supervised.end(() => child.kill(signal)) }
}
