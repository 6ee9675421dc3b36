/** Starts the process of the embedded model. */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../../../platform/process/child-environment.ts'
import { FromChild, type ToChild } from './protocol.ts'

const childPath = fileURLToPath(new URL('./child.ts', import.meta.url))
const maxStderrCharacters = 4096
const closeWithinMs = 2_000

/** One process that runs `child.ts`. */
export type ModelChild = {
  pid: number | undefined
  /** Has no effect once the process has ended; `onDeath` reports that once. */
  send: (message: ToChild) => void
  /** Sends SIGKILL; `onDeath` receives `why` as the reason. */
  kill: (why: string) => void
  /** Closes the channel, which ends the process, and waits for its exit. */
  close: () => Promise<void>
}

/**
 * Starts the model process in its own process group, which the terminal's Ctrl-C does not reach.
 * The process ends when the channel closes, so it outlives neither `close` nor this process.
 */
export function spawnModel(onMessage: (message: FromChild) => void, onDeath: (reason: string) => void): ModelChild {
  const child = fork(childPath, [], {
    detached: true,
    execArgv: [],
    // Excludes the council's secrets and its Node options.
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let reason = ''
  let stderrTail = ''
  const gone = Promise.withResolvers<undefined>()
  // A process that hangs does not notice that its channel was closed.
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)

  const kill = (why: string): void => {
    reason ||= why
    child.kill('SIGKILL')
  }
  // Called on 'exit', not on 'close': Node does not emit 'close' after the parent has disconnected the channel.
  const over = (how: string): void => {
    process.off('exit', killAtExit)
    gone.resolve(undefined)
    onDeath(reason || stderrTail.trim().split('\n').at(-1) || how)
  }

  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-maxStderrCharacters)
  })
  child.on('message', (raw) => {
    const message = FromChild.safeParse(raw)
    if (message.success) onMessage(message.data)
    else kill('it sent a message that is not in the protocol')
  })
  child.once('exit', (code, signal) => {
    over(`it ended with ${signal ?? `exit code ${code ?? 'unknown'}`}`)
  })
  child.on('error', (error) => {
    // A process that could not be started emits no 'exit'.
    if (child.pid === undefined) over(error.message)
  })

  return {
    pid: child.pid,
    send: (message) => {
      if (child.connected) child.send(message, () => undefined)
    },
    kill,
    close: async () => {
      const force = setTimeout(() => child.kill('SIGKILL'), closeWithinMs)
      if (child.connected) child.disconnect()
      await gone.promise
      clearTimeout(force)
    },
  }
}
