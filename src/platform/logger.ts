import { EventEmitter } from 'node:events'
import { dirname } from 'node:path'
import { pino, type DestinationStream, type Logger } from 'pino'
import { printable } from './printable.ts'

import { makeFolders } from './process/folders.ts'
import { loggedError } from './outage.ts'
import { withoutRepetition } from './repeated-lines.ts'

export type { Logger }

/** Where log lines go: a stream (for example stderr) or a file that is appended to. */
export type LogTarget = { stream: DestinationStream } | { file: string }

/**
 * The one logger of a process: JSON lines, `level` as a word, ISO time (seed story 3.1).
 * Whoever works for a request derives `logger.child({ requestId })`, so that every line names it. A warning or an error that
 * repeats another one is counted, and the count written once a minute; an outage has no stack.
 */
export function createLogger(level: string, target: LogTarget): Logger {
  if ('file' in target) makeFolders(dirname(target.file))
  const destination =
    'stream' in target
      ? target.stream
      : pino.destination({ dest: target.file, append: true, mkdir: false, mode: 0o600 })
  // A disk that is full costs log lines, never the council.
  if (destination instanceof EventEmitter && 'file' in target) destination.on('error', () => undefined)
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: loggedError },
      // The same JSON, with what a terminal would obey written as escapes: models and servers write parts of it.
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

/** A logger that says nothing: for the command line and for tests that do not look at it. */
export const silentLogger: Logger = pino({ level: 'silent' })
