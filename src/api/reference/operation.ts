import type { z } from 'zod'
import type { TokenScope } from '../../events/token.ts'

/** What a route of the API takes and gives, for readers. */
export type Operation = {
  method: 'get' | 'post' | 'delete'
  /** As fastify writes it: `/v1/chats/:id`. */
  path: string
  /** Groups operations on a page. */
  tag: string
  /** A sentence. */
  summary: string
  /** The scope that the token needs; `any`: any token will do; `public`: no token is needed. */
  scope: TokenScope | 'any' | 'public'
  /** The values of the path's parameter. */
  id?: z.ZodType
  /** The parameters of the query string. */
  query?: z.ZodObject
  headers?: Readonly<Record<string, { schema: z.ZodType; isRequired: boolean; about: string }>>
  /** The JSON that it takes. */
  body?: z.ZodType
  /** Each answer that is not a problem, by its status. */
  answers: Readonly<Record<number, Answer>>
  /** Its problems are OpenAI's errors. */
  isOpenAi?: true
}

export type Answer = {
  about: string
  /** JSON. */
  body?: z.ZodType
  /** The rows of the same as a file for spreadsheets. */
  hasCsv?: boolean
  /** Server-sent events, if the request asks for a stream. */
  hasStream?: boolean
  /** By default `application/json`. */
  mediaType?: string
  headers?: readonly AnswerHeader[]
}
export type AnswerHeader = 'X-Council-Position' | 'X-Council-Command-Id' | 'X-Council-Request-Id' | 'ETag' | 'Link'
