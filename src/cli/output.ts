import { randomUUID } from 'node:crypto'
import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { messageOf } from '../platform/platform-error.ts'
import { printable, printableLine } from '../platform/printable.ts'
import { CliError, type Failure } from './failure.ts'

/** A stream that a command writes to: stdout, stderr, or a test's own. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number }

/** The reader of stdout went away (`council events | head`). The command ends quietly and at once. */
export class OutputClosed extends Error {}

/** The exit code of a command that SIGPIPE ended; callers must not mistake it for success. */
export const outputClosedExitCode = 141

export type Style = 'dim' | 'bold' | 'cyan' | 'yellow' | 'red'

/**
 * Prints the output of a command. Each write waits until the system has taken the text, so a slow reader does not make a long export
 * grow in memory. Throws OutputClosed when the reader is gone, and CliError `output_failed` when a write fails.
 *
 * Makes all external text printable; only `paint` emits escape sequences.
 */
export type Output = {
  readonly json: boolean
  /** Columns of the terminal; undefined where the output is not one. */
  readonly columns: number | undefined
  /** One result: a JSON value on one line, or lines for people, in which line ends are escaped. */
  result: (value: unknown, human: () => string | readonly string[]) => Promise<void>
  /** A line that JSON output omits, such as a heading. */
  forPeople: (line: string) => Promise<void>
  /** Text with line ends, such as an answer: verbatim to a pipe or file, made printable on a terminal. */
  write: (text: string) => Promise<void>
  /** Writes to stderr. */
  note: (line: string) => void
  fail: (failure: Failure) => void
  /** Colours on a terminal, unless NO_COLOR is set. */
  paint: (style: Style, text: string) => string
  readonly stderr: OutputStream
}

export type OutputOptions = { stdout: OutputStream; stderr: OutputStream; json: boolean; noColor: boolean }

export function createOutput({ stdout, stderr, json, noColor }: OutputOptions): Output {
  // Writers see failures of stdout; failures of stderr cannot be reported. Without listeners either would crash the process.
  let broken: Error | undefined
  stdout.on('error', (error) => void (broken ??= error))
  stderr.on('error', () => undefined)
  const isTerminal = stdout.isTTY === true
  // A placeholder for the escape characters of `paint`, which external text cannot guess.
  const mark = `\x1b${randomUUID()}`
  const line = (text: string): string => text.split(mark).map(printableLine).join('\x1b')
  const write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      stdout.write(text, (error) => {
        if (error) reject(failedWrite(broken ?? error))
        else resolve()
      })
    })
  const shownJson = (value: unknown, on: OutputStream): string =>
    on.isTTY ? printable(JSON.stringify(value)) : JSON.stringify(value)
  const shownLines = (lines: string | readonly string[]): string =>
    typeof lines === 'string' ? line(lines) : lines.map(line).join('\n')

  return {
    json,
    columns: isTerminal ? (stdout.columns ?? 80) : undefined,
    result: (value, human) => write(`${json ? shownJson(value, stdout) : shownLines(human())}\n`),
    forPeople: async (text) => {
      if (!json) await write(`${line(text)}\n`)
    },
    write: (text) => write(isTerminal ? printable(text) : text),
    note: (text) => void stderr.write(`${line(text)}\n`),
    fail({ code, message }) {
      // Indents further lines, so that none looks like another error.
      const text = json
        ? shownJson({ code, message }, stderr)
        : `error: ${printable(message).replaceAll('\n', '\n       ')} (${printableLine(code)})`
      stderr.write(`${text}\n`)
    },
    paint: (style, text) =>
      isTerminal && !noColor && !json
        ? styleText(style, printableLine(text), { validateStream: false }).replaceAll('\x1b', mark)
        : text,
    stderr,
  }
}

/** Maps a failed write to the error of the command. */
function failedWrite(error: Error): Error {
  const code = 'code' in error ? error.code : undefined
  // When the reader leaves, a pipe reports EPIPE, and a socket with unread data ECONNRESET.
  if (code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_DESTROYED')
    return new OutputClosed('the reader of the output went away')
  return new CliError('output_failed', `the output could not be written: ${messageOf(error)}`)
}

/** Truncates text to a number of columns, with an ellipsis. */
export function fit(text: string, columns: number | undefined): string {
  if (columns === undefined || text.length <= columns) return text
  return `${text.slice(0, Math.max(0, columns - 1)).replace(/\p{Cs}$/u, '')}…`
}
