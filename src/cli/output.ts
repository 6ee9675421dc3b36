import { randomUUID } from 'node:crypto'
import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { messageOf } from '../platform/platform-error.ts'
import { printable, printableLine } from '../platform/printable.ts'
import { CliError, type Failure } from './failure.ts'

/** Where a command writes: stdout and stderr of the process, or what a test looks at. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number }

/** The reader of stdout went away (`council events | head`): the command ends, quietly and at once. */
export class OutputClosed extends Error {}

/** As if SIGPIPE had ended the command: never to be taken for success. */
export const outputClosedExitCode = 141

export type Style = 'dim' | 'bold' | 'cyan' | 'yellow' | 'red'

/**
 * Everything that a command prints. Each write waits until the system has taken the text, so a slow reader bounds the memory of a
 * long export. Throws OutputClosed when the reader is gone, and CliError `output_failed` when the text could not be written.
 *
 * Text from elsewhere is made printable here, wherever it comes from: only `paint` makes escape sequences.
 */
export type Output = {
  readonly json: boolean
  /** Columns of the terminal; undefined where the output is not one. */
  readonly columns: number | undefined
  /** One result: a JSON value on a line, or lines for people. A line end inside a line is shown escaped. */
  result: (value: unknown, human: () => string | readonly string[]) => Promise<void>
  /** A result that only people see: headings and the like. */
  forPeople: (line: string) => Promise<void>
  /** Part of an answer or of a help text, with its line ends: as it is on a pipe or in a file, made printable on a terminal. */
  write: (text: string) => Promise<void>
  /** On stderr. */
  note: (line: string) => void
  fail: (failure: Failure) => void
  /** Colours on a terminal, unless NO_COLOR is set. */
  paint: (style: Style, text: string) => string
  readonly stderr: OutputStream
}

export type OutputOptions = { stdout: OutputStream; stderr: OutputStream; json: boolean; noColor: boolean }

export function createOutput({ stdout, stderr, json, noColor }: OutputOptions): Output {
  // Failures of stdout reach whoever writes; those of stderr have nowhere to go. Without a listener each would end the process.
  let broken: Error | undefined
  stdout.on('error', (error) => void (broken ??= error))
  stderr.on('error', () => undefined)
  const isTerminal = stdout.isTTY === true
  // Stands for the escape character in what `paint` makes. Text from elsewhere cannot know it.
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
      // What follows the first line is indented: it cannot look like another error.
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

/** What a write that failed means for the command. */
function failedWrite(error: Error): Error {
  const code = 'code' in error ? error.code : undefined
  // A socket whose reader left with something unread says ECONNRESET where a pipe says EPIPE.
  if (code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_DESTROYED')
    return new OutputClosed('the reader of the output went away')
  return new CliError('output_failed', `the output could not be written: ${messageOf(error)}`)
}

/** At most so many columns, the rest shown as an ellipsis. */
export function fit(text: string, columns: number | undefined): string {
  if (columns === undefined || text.length <= columns) return text
  return `${text.slice(0, Math.max(0, columns - 1)).replace(/\p{Cs}$/u, '')}…`
}
