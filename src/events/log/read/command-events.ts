import type { AnyRecordedEvent } from '../../catalogue.ts'
import { justBefore, type Position } from '../../identifiers.ts'
import type { LogReader } from '../log.ts'

/** Most commands write fewer events; a longer one takes another read. */
const pageSize = 16

/**
 * All events of the commands that wrote these events, in log order. A command's events follow each other in the log, because one append
 * writes them, so the read looks only at the places around the given events.
 */
export async function eventsOfCommands(
  log: LogReader,
  events: readonly AnyRecordedEvent[],
): Promise<AnyRecordedEvent[]> {
  const commands = Map.groupBy(events, commandOf)
  const firsts = [...commands.values()].flatMap(([first]) => (first ? [first] : []))
  const around = await Promise.all(firsts.map((first) => neighbours(log, first)))
  const all = new Map(around.flat().map((event) => [event.sequence, event]))
  return [...all.values()].toSorted((a, b) => a.sequence - b.sequence)
}

const commandOf = ({ metadata: { actor, commandId } }: AnyRecordedEvent): string => JSON.stringify([actor, commandId])

/** The events of an event's command, itself included, as the log has them. */
async function neighbours(log: LogReader, event: AnyRecordedEvent): Promise<AnyRecordedEvent[]> {
  const from = justBefore(event.position)
  const [before, after] = await Promise.all([
    sameCommand(event, (upTo) => log.read({ upTo, direction: 'backward', limit: pageSize }), justBefore, from),
    sameCommand(
      event,
      (last) => log.read({ after: last, limit: pageSize }),
      (last) => last,
      from,
    ),
  ])
  return [...before, ...after]
}

/** The first events of the same command in the pages from a position on; `next` is where the page after a position starts. */
async function sameCommand(
  event: AnyRecordedEvent,
  read: (from: Position) => AsyncIterable<AnyRecordedEvent[]>,
  next: (last: Position) => Position,
  start: Position,
): Promise<AnyRecordedEvent[]> {
  const found: AnyRecordedEvent[] = []
  for (let from = start; ;) {
    const page: AnyRecordedEvent[] = []
    for await (const events of read(from)) page.push(...events)
    const other = page.findIndex((one) => commandOf(one) !== commandOf(event))
    found.push(...(other < 0 ? page : page.slice(0, other)))
    const last = page.at(-1)
    if (other >= 0 || page.length < pageSize || !last) return found
    from = next(last.position)
  }
}
