import type { Clock } from '../platform/clock.ts'
import type { Config } from '../platform/config/config.ts'
import type { Readable } from 'node:stream'
import type { Output } from './output.ts'

export type InputStream = Readable & { isTTY?: boolean }

/** What every command works with. A command returns its exit code, or throws. */
export type CliContext = {
  config: Config
  output: Output
  /** Aborts on Ctrl-C: a command then ends in order, and soon. */
  interrupted: AbortSignal
  clock: Clock
  /** Where a conversation reads its questions. */
  stdin: () => InputStream
}
