import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { EventsAt } from '../../events/log/read/events-at.ts'
import type { LogIndexRow } from '../../projections/log-index.ts'

const bodiesAtOnce = 100

/** The events of the rows; once they have `maxCharacters` of text, the rest is left out. Throws when the log lacks one of them. */
export async function eventBodies(
  eventsAt: EventsAt,
  rows: readonly LogIndexRow[],
  maxCharacters: number,
): Promise<AnyRecordedEvent[]> {
  const events: AnyRecordedEvent[] = []
  let characters = 0
  for (let start = 0; start < rows.length && characters < maxCharacters; start += bodiesAtOnce) {
    const part = rows.slice(start, start + bodiesAtOnce)
    const read = await eventsAt(part)
    const missing = part.find(({ sequence }, index) => read[index]?.sequence !== sequence)
    if (missing)
      throw new Error(`it has no event number ${missing.sequence} at ${missing.position}: run council audit verify`)
    for (const event of read) characters += JSON.stringify(event.data).length
    events.push(...read)
  }
  return events
}
