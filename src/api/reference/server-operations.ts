import { z } from 'zod'
import type { Operation } from './operation.ts'

const Status = z.enum(['pass', 'warn', 'fail']).meta({ id: 'HealthStatus' })
const Part = z.object({
  componentType: z.literal('component'),
  status: Status,
  kind: z.enum(['real', 'embedded', 'missing', 'internal']),
  output: z.string().meta({ description: 'The state of the part, or its problem and the remedy.' }),
  time: z.iso.datetime(),
})
const Health = z
  .object({
    status: Status,
    version: z.string().optional().meta({ description: 'Only for a valid token, like the parts.' }),
    checks: z.record(z.string(), z.array(Part)).optional(),
  })
  .meta({ id: 'Health' })

const probe = { method: 'get', tag: 'server', scope: 'public' } as const
const description = (of: string): Operation['answers'] => ({ 200: { about: of, body: z.looseObject({}) } })

/** Routes of the server itself. */
export const serverOperations: readonly Operation[] = [
  {
    ...probe,
    path: '/livez',
    summary: 'Whether the process runs.',
    answers: { 200: { about: 'It runs.', body: z.object({ status: z.literal('pass') }) } },
  },
  {
    ...probe,
    path: '/readyz',
    summary: 'Whether the council can record commands and take prompts.',
    answers: {
      200: { about: 'It can.', body: z.object({ status: Status }) },
      503: { about: 'It cannot.', body: z.object({ status: Status }) },
    },
  },
  {
    ...probe,
    path: '/health',
    summary: 'The state of every part, for a valid token; without one only the whole.',
    answers: {
      200: { about: 'It works, perhaps without a part.', body: Health, mediaType: 'application/health+json' },
      503: { about: 'A part that it needs fails.', body: Health, mediaType: 'application/health+json' },
    },
  },
  { ...probe, path: '/openapi.json', summary: 'This description.', answers: description('OpenAPI 3.1.') },
  {
    ...probe,
    path: '/asyncapi.json',
    summary: 'The description of the WebSocket /ws/chat.',
    answers: description('AsyncAPI 3.0.'),
  },
  {
    method: 'post',
    path: '/v1/tickets',
    tag: 'access',
    summary: 'Makes a ticket with which a browser signs in once, within a minute.',
    scope: 'any',
    answers: { 200: { about: 'The ticket.', body: z.object({ ticket: z.string(), path: z.string() }) } },
  },
]
