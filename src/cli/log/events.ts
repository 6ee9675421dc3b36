import { printableEvent, type RecordedEvent } from '../../events/event.ts'
import { beginning, comparePositions, positionTimeMs, type StreamName } from '../../events/identifiers.ts'
import { startOf, type LogPoint } from '../../events/log-point.ts'
import type { LogReader } from '../../events/log/log.ts'
import { isoTime } from '../../platform/clock.ts'
import { printableLine } from '../../platform/printable.ts'
import type { CliContext } from '../context.ts'
import { fit, type Output } from '../output.ts'
import { openLogForReading } from '../running-council.ts'

export type EventsOptions = { stream?: StreamName; type?: string; from?: LogPoint; limit?: number; follow?: boolean }

/** `council events`: prints the log in order, to its end or, with `--follow`, until Ctrl-C. */
export async function events(
  { limit = Infinity, ...options }: EventsOptions,
  { config, output, interrupted }: CliContext,
): Promise<number> {
  await using closing = new AsyncDisposableStack()
  const log = await openLogForReading(config, closing)
  let printed = 0
  for await (const event of selected(log, options, interrupted)) {
    await printEvent(output, event)
    printed += 1
    if (printed >= limit || interrupted.aborted) break
  }
  return 0
}

async function* selected(
  log: LogReader,
  { stream, type, from, follow = false }: Omit<EventsOptions, 'limit'>,
  interrupted: AbortSignal,
): AsyncGenerator<RecordedEvent> {
  const matches = (event: RecordedEvent) => (!stream || event.stream === stream) && (!type || event.type === type)
  const start = from ? startOf(from) : beginning
  const head = await log.head()
  // The log filters, so that pages without a match are not transferred.
  for await (const page of log.read({
    after: start,
    upTo: head,
    ...(stream && { streams: [stream] }),
    ...(type && { types: [type] }),
  }))
    yield* page
  if (!follow) return
  const rest = comparePositions(start, head) > 0 ? start : head
  for await (const page of log.follow(rest, interrupted)) yield* page.filter(matches)
}

/** Prints one event per line: canonical JSON, or columns for people. */
export const printEvent = (output: Output, event: RecordedEvent): Promise<void> =>
  output.result(printableEvent(event), () => eventLine(output, event))

const widths = { position: 17, type: 21, stream: 46 }

function eventLine({ columns, paint }: Output, { position, stream, revision, type, data }: RecordedEvent): string {
  const place = `${isoTime(positionTimeMs(position))}  ${position.padEnd(widths.position)}`
  const name = type.padEnd(widths.type)
  const target = `${stream}@${revision}`.padEnd(widths.stream)
  const left = columns === undefined ? undefined : Math.max(0, columns - `${place}  ${name}  ${target}  `.length)
  return `${paint('dim', place)}  ${paint('cyan', name)}  ${target}  ${paint('dim', fit(printableLine(JSON.stringify(data)), left))}`.trimEnd()
}
