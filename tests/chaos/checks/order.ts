import type { RecordedEvent } from '../../../src/events/event.ts'
import { comparePositions } from '../../../src/events/identifiers.ts'
import type { Evidence } from '../harness/evidence.ts'
import type { Call } from '../harness/history.ts'
import { violation, type Violation } from './violation.ts'

/** The log is one total order without a gap in sequences, positions and the revisions of every stream. */
export function checkLog({ events, sequence, halted }: Pick<Evidence, 'events' | 'sequence' | 'halted'>): Violation[] {
  const found: Violation[] = []
  const revisions = new Map<string, number>()
  const ids = new Set<string>()
  events.forEach((event, index) => {
    const { position, stream } = event
    const before = events[index - 1]
    if (event.sequence !== index + 1)
      found.push(violation('sequence gap', `number ${event.sequence} at ${position}, expected ${index + 1}`))
    if (before && comparePositions(before.position, position) >= 0)
      found.push(violation('positions out of order', `${position} behind ${before.position}`))
    const revision = (revisions.get(stream) ?? 0) + 1
    if (event.revision !== revision)
      found.push(violation('revision gap', `${stream} has ${event.revision} at ${position}, expected ${revision}`))
    revisions.set(stream, event.revision)
    if (ids.has(event.metadata.eventId))
      found.push(violation('doubled write', `event ${event.metadata.eventId} again at ${position}`))
    ids.add(event.metadata.eventId)
  })
  if (sequence !== events.length)
    found.push(violation('sequence gap', `the log has given ${sequence} numbers and holds ${events.length} events`))
  if (halted !== null) found.push(violation('halted', halted))
  return found
}

/** A command sent after another one was answered comes after it in the log, on any stream. */
export function checkRealTime(calls: readonly Call[], events: readonly RecordedEvent[]): Violation[] {
  const inLog = Map.groupBy(events, ({ metadata }) => `${metadata.actor} ${metadata.commandId}`)
  const spans = [...Map.groupBy(calls, ({ principal, commandId }) => `${principal} ${commandId}`)].flatMap(
    ([id, of]) => {
      const sequence = inLog.get(id)?.[0]?.sequence
      const answers = of
        .filter(({ outcome }) => outcome.kind === 'ok')
        .map(({ answeredAtUs }) => answeredAtUs ?? Infinity)
      if (sequence === undefined) return []
      return [
        {
          id,
          sequence,
          invokedAtUs: Math.min(...of.map(({ invokedAtUs }) => invokedAtUs)),
          answeredAtUs: Math.min(Infinity, ...answers),
        },
      ]
    },
  )
  const found: Violation[] = []
  let earliest = { id: '', answeredAtUs: Infinity }
  for (const span of spans.toSorted((left, right) => right.sequence - left.sequence)) {
    if (earliest.answeredAtUs < span.invokedAtUs)
      found.push(
        violation('reordered', `${earliest.id} was answered before ${span.id} was sent, but comes after it in the log`),
      )
    if (span.answeredAtUs < earliest.answeredAtUs) earliest = span
  }
  return found
}
