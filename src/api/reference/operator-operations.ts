import { z } from 'zod'
import { Position } from '../../events/identifiers.ts'
import { TokenScope } from '../../events/token.ts'
import { Time } from '../queries/fields.ts'
import type { Operation } from './operation.ts'

const Progress = z
  .object({
    step: z.string(),
    done: z.int(),
    total: z.int().nullable(),
    perSecond: z.number(),
    remainingMs: z.number().nullable(),
  })
  .meta({ id: 'Progress' })

const Failure = z.object({ code: z.string(), message: z.string() }).meta({ id: 'Failure' })

const runFields = {
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  about: z.string().nullable(),
  startedBy: z.string(),
  startedAt: Time,
  endedAt: Time.nullable(),
  progress: Progress.nullable(),
  failure: Failure.nullable(),
}
const Run = z.object(runFields).meta({ id: 'Run', description: 'A run of a long command, as a process of its own.' })

const ReadModel = z
  .object({
    name: z.string(),
    version: z.int(),
    state: z.enum(['running', 'waiting', 'stopped', 'not_built', 'other_version', 'elsewhere']),
    generation: z.int().nullable(),
    position: Position.nullable(),
    updatedAt: Time.nullable(),
    lagEvents: z.int(),
    lagMs: z.number().nullable(),
    fault: Failure.nullable(),
    rebuild: z
      .object({ host: z.string().nullable(), pid: z.int().nullable(), startedAt: Time, progress: Progress.nullable() })
      .nullable(),
  })
  .meta({ id: 'ReadModel' })

const Verification = z
  .object({
    ...runFields,
    state: z.enum(['never', 'running', 'done', 'failed', 'cancelled']),
    verdict: z.looseObject({ ok: z.boolean(), faults: z.int(), unknown: z.array(z.string()) }).nullable(),
    faults: z.array(z.looseObject({ code: z.string(), position: Position, message: z.string() })),
  })
  .partial()
  .required({ state: true })
  .meta({ id: 'Verification', description: 'Before the first one, only the state.' })

const Standing = z.object({
  head: z.object({ position: Position, sequence: z.int() }),
  archive: z
    .object({ position: Position, sequence: z.int(), lagEvents: z.int(), trimmed: z.int(), chainHead: z.string() })
    .nullable(),
  seals: z.object({
    count: z.int(),
    newest: z
      .object({
        position: Position,
        sealedAt: Time,
        upTo: z.object({ position: Position, sequence: z.int() }),
        keyId: z.string(),
      })
      .nullable(),
    key: z.object({ keyId: z.string(), sha256: z.string(), position: Position }).nullable(),
  }),
})

const audit = { tag: 'operations', scope: 'ops:audit' } as const
const verification = { ...audit, path: '/v1/verification' } as const

/** Routes for people who operate a council. */
export const operatorOperations: readonly Operation[] = [
  {
    ...audit,
    method: 'get',
    path: '/v1/log',
    summary: 'How far the log is archived and sealed, and by which key.',
    answers: { 200: { about: 'The standing of the log.', body: Standing } },
  },
  {
    ...audit,
    method: 'get',
    path: '/v1/projections',
    summary: 'How far each read model is behind the log, and whether it is being rebuilt.',
    answers: {
      200: {
        about: 'The read models.',
        body: z.object({ head: z.int(), projections: z.array(ReadModel), lastRebuild: Run.nullable() }),
      },
    },
  },
  {
    method: 'post',
    tag: 'operations',
    scope: 'ops:rebuild',
    path: '/v1/projections/:name/rebuild',
    summary: 'Rebuilds a read model from the log, next to the one that serves.',
    answers: { 202: { about: 'It has started.', body: Run } },
  },
  {
    ...verification,
    method: 'get',
    summary: 'The newest verification of the log that this server has started.',
    answers: { 200: { about: 'Its progress, or its verdict.', body: Verification } },
  },
  {
    ...verification,
    method: 'post',
    summary: 'Verifies the log and the data derived from it.',
    answers: { 202: { about: 'It has started.', body: Verification } },
  },
  {
    ...verification,
    method: 'delete',
    summary: 'Ends the verification that is running.',
    answers: { 200: { about: 'It has ended.', body: Verification } },
  },
  {
    method: 'get',
    tag: 'access',
    scope: 'any',
    path: '/v1/me',
    summary: 'The subject and the scopes of the one who asks.',
    answers: {
      200: {
        about: 'They hold until `expiresAt`.',
        body: z.object({
          subject: z.string(),
          scopes: z.array(TokenScope),
          token: z.string().nullable(),
          expiresAt: Time.nullable(),
          via: z.enum(['token', 'session']),
        }),
      },
    },
  },
]
