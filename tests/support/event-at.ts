import type { RecordedEvent } from '../../src/events/event.ts'
import { Position, StreamName } from '../../src/events/identifiers.ts'

/** An event of a log, by its sequence; odd and even ones are on two streams. */
export const eventAt = (sequence: number, type = 'Seen'): RecordedEvent => ({
  position: Position.parse(`${sequence}-0`),
  sequence,
  stream: StreamName.parse(`refusals/2026-11-${20 + (sequence % 2)}`),
  revision: Math.ceil(sequence / 2),
  type,
  version: 1,
  data: {},
  metadata: {
    eventId: `event-${sequence}`,
    commandId: 'command',
    correlationId: 'command',
    causationId: 'command',
    actor: 'tester',
    occurredAt: '2026-11-23T12:00:00.000Z',
  },
})
