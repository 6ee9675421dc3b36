import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { Failure } from './failure.ts'

/** Where a command writes: stdout and stderr of the process, or what a test looks at. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number }

/** Nobody reads stdout any more (`council events | head`): the command ends, quietly and well. */
export class OutputClosed extends Error {}

export type Style = 'dim' | 'bold' | 'cyan' | 'yellow' | 'red'

export type Output = {
  readonly json: boolean
  /** Columns of the terminal; undefined where the output is not one. */
  readonly columns: number | undefined
  /** One result: a JSON value on a line, or a line for people. Waits while the reader is slow; throws OutputClosed when it is gone. */
  result: (value: unknown, human: () => string) => Promise<void>
  /** A result that only people see: headings and the like. */
  forPeople: (line: string) => Promise<void>
  /** Part of a result without an end of line. */
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
  let closed = false
  // A reader that went away is told by an event, not by an exception; without these listeners it would end the process with a trace.
  stdout.on('error', () => void (closed = true))
  stderr.on('error', () => undefined)
  const isTerminal = stdout.isTTY === true

  const write = async (text: string): Promise<void> => {
    if (isClosed()) throw new OutputClosed('nobody reads the output any more')
    if (!stdout.write(text)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => undefined)
    if (isClosed()) throw new OutputClosed('nobody reads the output any more')
  }
  const isClosed = () => closed

  return {
    json,
    columns: isTerminal ? (stdout.columns ?? 80) : undefined,
    result: (value, human) => write(`${json ? JSON.stringify(value) : human()}\n`),
    forPeople: async (line) => {
      if (!json) await write(`${line}\n`)
    },
    write,
    note: (line) => void stderr.write(`${line}\n`),
    fail: ({ code, message }) => void stderr.write(json ? `${JSON.stringify({ code, message })}\n` : `error: ${message} (${code})\n`),
    paint: (style, text) => (isTerminal && !noColor && !json ? styleText(style, text, { validateStream: false }) : text),
    stderr,
  }
}

/** Text that somebody else wrote, safe to show on a terminal: no control characters but line ends and tabs, nothing that reorders the line. */
export const printable = (text: string): string =>
  text.replace(unprintable, (found) => `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)

const unprintable = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** At most so many columns, the rest shown as an ellipsis. */
export const fit = (text: string, columns: number | undefined): string =>
  columns === undefined || text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`
