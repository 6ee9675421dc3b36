import type { LogFn, Logger } from 'pino'
import { messageOf } from './platform-error.ts'

/** The pino level from which lines are deduplicated. */
const warn = 40
/** The same line is written once in this period; the number of repetitions is written at its end. */
const everyMs = 60_000
/** The number of different lines in memory; beyond that all are forgotten and may be written again. */
const maxLines = 500
/** Fields that do not make two lines different: one outage fails many requests and jobs. Numbers do not, either. */
const ids = new Set([
  'requestId',
  'commandId',
  'correlationId',
  'traceparent',
  'principal',
  'subject',
  'stream',
  'entry',
  'position',
  'at',
  'path',
  'method',
  'remoteAddress',
])

type Seen = { suppressed: number; timer: NodeJS.Timeout }

/**
 * A hook for pino: a repeated warning or error is counted instead of written, and the count is written at most once a minute. An
 * outage that fails a thousand calls a second writes one line, not a thousand.
 */
export function withoutRepetition(
  intervalMs = everyMs,
): (this: Logger, args: Parameters<LogFn>, method: LogFn, level: number) => void {
  const seen = new Map<string, Seen>()

  return function (args, method, level) {
    if (level < warn) return method.apply(this, args)
    const key = `${level} ${keyOf(args)}`
    const known = seen.get(key)
    if (known) {
      known.suppressed += 1
      return
    }
    if (seen.size >= maxLines) {
      for (const { timer } of seen.values()) clearTimeout(timer)
      seen.clear()
    }
    method.apply(this, args)
    const count: Seen = { suppressed: 0, timer: setTimeout(() => tell(), intervalMs).unref() }
    seen.set(key, count)
    const tell = (): void => {
      if (count.suppressed === 0) return void seen.delete(key)
      const line = { ...fieldsOf(args), err: errorOf(args), repeated: count.suppressed, withinMs: intervalMs }
      count.suppressed = 0
      count.timer = setTimeout(tell, intervalMs).unref()
      method.apply(this, [line, `${textOf(args)} (repeated)`])
    }
  }
}

type Fields = Record<string, unknown>

const firstObject = ([first]: readonly unknown[]): Fields | undefined =>
  typeof first === 'object' && first !== null ? (first as Fields) : undefined
const textOf = (args: readonly unknown[]): string => String(firstObject(args) ? (args[1] ?? '') : args[0])

function fieldsOf(args: readonly unknown[]): Fields {
  const fields = firstObject(args) ?? {}
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => typeof value === 'string' && !ids.has(name)),
  )
}

const errorOf = (args: readonly unknown[]): unknown => (args[0] instanceof Error ? args[0] : firstObject(args)?.['err'])

function keyOf(args: readonly unknown[]): string {
  const error = errorOf(args)
  const fault = firstObject(args)?.['fault']
  return JSON.stringify([textOf(args), error === undefined ? '' : messageOf(error), fault ?? '', fieldsOf(args)])
}
