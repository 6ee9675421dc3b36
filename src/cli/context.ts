import type { Clock } from '../platform/clock.ts'
import type { Config } from '../platform/config/config.ts'
import type { Readable } from 'node:stream'
import type { Output } from './output.ts'

export type InputStream = Readable & { isTTY?: boolean }

/** The dependencies of every command. */
export type CliContext = {
  config: Config
  output: Output
  /** Aborts on Ctrl-C; the command then cleans up and ends soon. */
  interrupted: AbortSignal
  clock: Clock
  /** The source of a conversation's questions. */
  stdin: () => InputStream
}

/** Runs a command, which returns its exit code or throws. */
export type RunCommand = (command: (context: CliContext) => Promise<number>) => Promise<void>
