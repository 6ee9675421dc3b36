import type { z } from 'zod'
import type { AnswerPath } from '../../events/chat.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { ServerFrame } from '../chat/frames.ts'
import { requestError, type OpenAiError } from './errors.ts'
import type { Asked, Read } from './messages.ts'
import { pathOf, unknownModel } from './models.ts'
import { parameterFault, type Parameters } from './parameters.ts'

export type Completed = Extract<ServerFrame, { type: 'completed' }>

/** A request of one of OpenAI's two APIs. */
export type AskedModel = Asked & {
  model: string
  path: z.infer<typeof AnswerPath> | null
  isStream: boolean
  /** Whether a stream of chat completions ends with the usage. */
  includesUsage: boolean
  /** As the client sent them, for an answer that repeats them. */
  instructions: string | null
}

/** An answer as the API names it. */
export type AnswerHead = { requestId: Uuid7; createdSeconds: number; asked: AskedModel }

/** The server-sent events of one streamed answer, in order. */
export type StreamWriter = {
  begin: () => string
  text: (piece: string) => string
  completed: (frame: Completed) => string
  failed: (error: OpenAiError) => string
}

/** How one of OpenAI's APIs asks and answers. */
export type Dialect = {
  route: string
  read: (body: unknown) => Read<AskedModel>
  /** The whole answer. */
  answer: (head: AnswerHead, frame: Completed) => object
  stream: (head: AnswerHead) => StreamWriter
}

/** A server-sent event, with a name or without. */
export const serverSentEvent = (data: object, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`

/** A comment, which clients pass over. */
export const comment = (text: string): string => `: ${text}\n\n`

type Named = { body: Readonly<Record<string, unknown>>; model: string; path: AskedModel['path']; isStream: boolean }

/** Reads the fields that both APIs have, and refuses parameters that cannot be honoured. */
export function readRequest(body: unknown, parameters: Parameters): Read<Named> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { ok: false, error: requestError('invalid_type', null, 'the body must be a JSON object') }
  const fields: Readonly<Record<string, unknown>> = { ...body }
  const error = parameterFault(fields, parameters)
  if (error) return { ok: false, error }
  const { model, stream } = fields
  if (typeof model !== 'string')
    return { ok: false, error: requestError('missing_required_parameter', 'model', 'model must be text') }
  const path = pathOf(model)
  if (path === undefined) return { ok: false, error: unknownModel(model) }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    return { ok: false, error: requestError('invalid_type', 'stream', 'stream must be true or false') }
  return { ok: true, value: { body: fields, model, path, isStream: stream === true } }
}
