import { z } from 'zod'
import { Position, StreamName } from '../../events/identifiers.ts'
import { EventParameters } from '../log/event-parameters.ts'
import { EventAtParameters } from '../log/events-route.ts'
import { StateParameters } from '../log/states-route.ts'
import { Time } from '../queries/fields.ts'
import { Next } from '../queries/page.ts'
import { ScheduleParameters } from '../queries/schedule.ts'
import type { Operation } from './operation.ts'

const Event = z
  .object({
    position: Position,
    stream: StreamName,
    revision: z.int().positive(),
    type: z.string(),
    version: z.int().positive(),
    data: z.looseObject({}).meta({ description: 'docs/events.md has the fields of each type.' }),
    metadata: z.looseObject({ eventId: z.string(), actor: z.string(), occurredAt: Time }),
  })
  .meta({ id: 'Event' })

const EventSummary = z
  .object({ position: Position, stream: StreamName, type: z.string(), actor: z.string(), occurredAt: Time })
  .meta({ id: 'EventSummary' })

const common = { method: 'get', tag: 'log', scope: 'events:read' } as const
const answer = (about: string, body: z.ZodType): Operation['answers'] => ({
  200: { about, body, headers: ['X-Council-Position', 'ETag'] },
})

/** What an auditor reads. */
export const logOperations: readonly Operation[] = [
  {
    ...common,
    path: '/v1/events',
    summary: 'The events of the log that match the filters, the newest first unless `order` says otherwise.',
    query: EventParameters,
    answers: answer(
      'A page. It may hold fewer events than `limit`, and still have a `next` one.',
      z.object({ events: z.array(Event), next: Next }),
    ),
  },
  {
    ...common,
    path: '/v1/events/:position',
    summary: 'One event with its causes and its effects.',
    id: Position,
    query: EventAtParameters,
    answers: answer(
      'The event; `together` are those of the same command.',
      z.object({
        event: Event,
        causedBy: z.array(EventSummary),
        together: z.array(EventSummary),
        followed: z.array(EventSummary),
      }),
    ),
  },
  {
    ...common,
    path: '/v1/states/:stream',
    summary: 'One aggregate, folded from its events, now or at an earlier moment.',
    id: StreamName,
    query: StateParameters,
    answers: answer(
      'The state after the event at `position`.',
      z.object({ stream: StreamName, revision: z.int().positive(), position: Position, state: z.unknown() }),
    ),
  },
  {
    ...common,
    path: '/v1/schedule',
    summary: "The clock's next actions, the earliest first.",
    query: ScheduleParameters,
    answers: answer(
      'The actions.',
      z.object({
        schedule: z.array(z.object({ stream: z.string(), action: z.string().nullable(), at: Time })),
        next: Next,
      }),
    ),
  },
]
