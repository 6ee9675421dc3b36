import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../../../platform/process/child-environment.ts'
import { FromChild, type ToChild } from './protocol.ts'

const childPath = fileURLToPath(new URL('./child.ts', import.meta.url))
const maxComplaintCharacters = 4096
const closeWithinMs = 2_000

/** One run of `embedded-child.ts`. */
export type ModelChild = {
  pid: number | undefined
  /** Does nothing when the process is gone: its end is told once, through `onDeath`. */
  send: (message: ToChild) => void
  /** SIGKILL; `why` becomes the reason of its death. */
  kill: (why: string) => void
  /** Closes the channel, at which the process ends itself, and waits until it is gone. */
  close: () => Promise<void>
}

/**
 * Starts the model process, detached: in a process group of its own, so that the terminal's Ctrl-C does not reach it.
 * It ends when the channel closes, so it outlives neither `close` nor this process.
 */
export function spawnModel(onMessage: (message: FromChild) => void, onDeath: (reason: string) => void): ModelChild {
  const child = fork(childPath, [], {
    detached: true,
    execArgv: [],
    // No secret of the council is in there, and none of its Node options.
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let reason = ''
  let complaints = ''
  const gone = Promise.withResolvers<undefined>()
  // One that hangs does not notice that its channel was closed.
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)

  const kill = (why: string): void => {
    reason ||= why
    child.kill('SIGKILL')
  }
  // Not 'close': Node does not emit that one after the parent has disconnected the channel.
  const over = (how: string): void => {
    process.off('exit', killAtExit)
    gone.resolve(undefined)
    onDeath(reason || complaints.trim().split('\n').at(-1) || how)
  }

  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-maxComplaintCharacters)
  })
  child.on('message', (raw) => {
    const message = FromChild.safeParse(raw)
    if (message.success) onMessage(message.data)
    else kill('it sent something that is not in the protocol')
  })
  child.once('exit', (code, signal) => {
    over(`it ended with ${signal ?? `exit code ${code ?? 'unknown'}`}`)
  })
  child.on('error', (error) => {
    // Only a process that could not be started has no 'exit'.
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
