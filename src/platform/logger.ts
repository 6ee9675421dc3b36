import { EventEmitter } from 'node:events'
import { dirname } from 'node:path'
import { pino, type DestinationStream, type Logger } from 'pino'
import { printable } from './printable.ts'

import { makeFolders } from './process/folders.ts'
import { loggedError } from './outage.ts'
import { withoutRepetition } from './repeated-lines.ts'

export type { Logger }

/** The target of log lines: a stream (for example stderr) or a file in append mode. */
export type LogTarget = { stream: DestinationStream } | { file: string }

/**
 * The one logger of a process: JSON lines, `level` as a word, ISO time (seed story 3.1).
 * Code that serves a request uses `logger.child({ requestId })`, so every line names the request. Repeated warnings and errors are
 * counted, and the count is written once a minute. An outage is logged without a stack.
 */
export function createLogger(level: string, target: LogTarget): Logger {
  if ('file' in target) makeFolders(dirname(target.file))
  const destination =
    'stream' in target
      ? target.stream
      : pino.destination({ dest: target.file, append: true, mkdir: false, mode: 0o600 })
  // A full disk loses log lines and never stops the council.
  if (destination instanceof EventEmitter && 'file' in target) destination.on('error', () => undefined)
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: loggedError },
      // The same JSON with terminal control characters escaped: models and servers write parts of it.
      hooks: { logMethod: withoutRepetition(), streamWrite: printable },
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ['token', 'apiKey', 'authorization', 'req.headers.authorization', '*.password'],
        censor: '[redacted]',
      },
    },
    destination,
  )
}

/** A logger without output, for the command line and for tests that do not check log lines. */
export const silentLogger: Logger = pino({ level: 'silent' })
