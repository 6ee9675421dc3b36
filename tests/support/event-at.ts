import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { Position, StreamName, Principal } from '../../src/events/identifiers.ts'

/** An event of a log, by its sequence; odd and even ones are on two streams. */
export const eventAt = (
  sequence: number,
  type: 'AccountFrozen' | 'AccountUnfrozen' = 'AccountFrozen',
): AnyRecordedEvent => ({
  position: Position.parse(`${sequence}-0`),
  sequence,
  stream: StreamName.parse(sequence % 2 === 0 ? 'account/agent:even' : 'account/agent:odd'),
  revision: Math.ceil(sequence / 2),
  type,
  version: 1,
  data: { reason: 'test' },
  metadata: {
    eventId: `event-${sequence}`,
    commandId: 'command',
    correlationId: 'command',
    causationId: 'command',
    actor: Principal.parse('tester'),
    occurredAt: '2026-11-23T12:00:00.000Z',
  },
})
