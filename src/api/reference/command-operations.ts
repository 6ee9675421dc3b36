import { z } from 'zod'
import { areas, type PublicCommand } from '../../commands/registry.ts'
import { Position, StreamName, Uuid7 } from '../../events/identifiers.ts'
import type { Operation } from './operation.ts'

const AppendedEvent = z
  .object({ position: Position, stream: StreamName, revision: z.int().positive(), type: z.string() })
  .meta({ id: 'AppendedEvent', description: 'The place of an event that the command appended.' })

const Done = z
  .object({
    result: z.enum(['appended', 'duplicate']).meta({ description: '`duplicate`: the same key ran before.' }),
    position: Position.nullable(),
    revisions: z.record(z.string(), z.int()).meta({ description: 'The newest revision of each stream.' }),
    events: z.array(AppendedEvent),
  })
  .meta({ id: 'CommandDone' })

const Waiting = z
  .object({
    result: z.literal('approval_required'),
    approvalId: Uuid7,
    position: Position,
    events: z.array(AppendedEvent),
  })
  .meta({ id: 'CommandWaiting' })

const IdempotencyKey = z.string().regex(/^[\x21-\x7e]{1,128}$/)
const headers = {
  'Idempotency-Key': {
    schema: IdempotencyKey,
    isRequired: true,
    about: 'A UUIDv7, which becomes the id of the command, or another text. Repeat it with every retry: it runs once.',
  },
}

/** The fields that clients send: the server fills in the others. */
function bodyOf({ definition: { schema, idField, issuersField } }: PublicCommand): z.ZodType {
  if (!(schema instanceof z.ZodObject)) return schema
  const fields = Object.entries(schema.shape).filter(([name]) => name !== idField && name !== issuersField)
  return z.strictObject(Object.fromEntries(fields))
}

const operationOf = (area: string, command: PublicCommand): Operation => ({
  method: 'post',
  path: `/v1/commands/${command.definition.name}`,
  tag: `commands: ${area}`,
  summary: command.summary,
  scope: command.scope,
  headers,
  body: bodyOf(command),
  answers: {
    200: { about: 'It is durable.', body: Done, headers: ['X-Council-Command-Id'] },
    202: { about: 'It waits for a person, durably.', body: Waiting, headers: ['X-Council-Command-Id'] },
  },
})

/** Every command that clients may send. */
export const commandOperations: readonly Operation[] = Object.entries(areas).flatMap(([area, { publicCommands }]) =>
  publicCommands.map((command) => operationOf(area, command)),
)
