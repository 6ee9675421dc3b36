import { z } from 'zod'
import { commandOperations } from './command-operations.ts'
import { jsonSchemaOf, type JsonSchema, type SharedSchemas } from './json-schema.ts'
import { logOperations } from './log-operations.ts'
import { operatorOperations } from './operator-operations.ts'
import { openAiOperations } from './openai-operations.ts'
import type { Answer, AnswerHeader, Operation } from './operation.ts'
import { queryOperations } from './query-operations.ts'
import { receiptOperation } from './receipt-operation.ts'
import { serverOperations } from './server-operations.ts'

/** Every operation of the HTTP API. */
export const operations: readonly Operation[] = [
  ...queryOperations,
  receiptOperation,
  ...logOperations,
  ...operatorOperations,
  ...commandOperations,
  ...openAiOperations,
  ...serverOperations,
]

const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; docs/errors.md explains each.' }),
    detail: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' })

const OpenAiError = z
  .object({
    error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }),
  })
  .meta({ id: 'OpenAiError' })

const answerHeaders: Record<AnswerHeader, string> = {
  'X-Council-Position': 'The position of the log that the answer reflects.',
  'X-Council-Command-Id': 'The id of the command.',
  'X-Council-Request-Id': 'The prompt that the request became.',
  ETag: 'The tag of the answer, for `If-None-Match`.',
  Link: 'The address of the next page of a CSV file.',
}

/**
 * The HTTP API as an OpenAPI 3.1 document, made from the schemas that parse its requests. Routes for browsers alone (pages, sign-in) are
 * not in it.
 */
export function openApi(version: string): JsonSchema {
  const shared: SharedSchemas = new Map()
  const problem = { 'application/problem+json': { schema: jsonSchemaOf(Problem, 'output', shared) } }
  const openAiError = { 'application/json': { schema: jsonSchemaOf(OpenAiError, 'output', shared) } }
  const paths: Record<string, Record<string, JsonSchema>> = {}
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:([a-z]+)/gi, '{$1}')
    const fault = operation.isOpenAi ? openAiError : problem
    paths[path] = { ...paths[path], [operation.method]: described(operation, fault, shared) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Hybrid AI Council',
      version,
      description: 'Amounts are integer micro-dollars. Times are ISO 8601 in UTC.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries([...shared].toSorted(([a], [b]) => a.localeCompare(b))),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of the council.' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-council', description: 'The session of a browser.' },
      },
    },
  }
}

function described(operation: Operation, fault: JsonSchema, shared: SharedSchemas): JsonSchema {
  const { method, path, tag, summary, scope, body, answers } = operation
  const problem = (description: string) => ({ description, content: fault })
  const roles = scope === 'any' ? [] : [scope]
  return {
    operationId: `${method} ${path}`.replaceAll(/[^a-z0-9]+/gi, '_'),
    tags: [tag],
    summary,
    security: scope === 'public' ? [] : [{ token: roles }, { session: roles }],
    parameters: parametersOf(operation, shared),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: jsonSchemaOf(body, 'input', shared) } } },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answered(answer, shared)])),
      ...(scope !== 'public' && {
        401: problem('No valid token came with it.'),
        403: problem('The token lacks a scope, or the page is not one of the council.'),
      }),
      default: problem('Every other problem.'),
    },
  }
}

function parametersOf({ path, id, query, headers = {} }: Operation, shared: SharedSchemas): JsonSchema[] {
  const inPath = /:([a-z]+)/i.exec(path)?.[1]
  const named = query ? Object.entries(query.shape) : []
  return [
    ...(inPath === undefined
      ? []
      : [{ name: inPath, in: 'path', required: true, schema: jsonSchemaOf(id ?? z.string(), 'input', shared) }]),
    ...named.map(([name, schema]) => ({
      name,
      in: 'query',
      required: !(schema as z.ZodType).safeParse(undefined).success,
      schema: jsonSchemaOf(schema as z.ZodType, 'input', shared),
    })),
    ...Object.entries(headers).map(([name, { schema, isRequired, about }]) => ({
      name,
      in: 'header',
      required: isRequired,
      description: about,
      schema: jsonSchemaOf(schema, 'input', shared),
    })),
  ]
}

function answered(
  { about, body, hasCsv, hasStream, headers = [], mediaType = 'application/json' }: Answer,
  shared: SharedSchemas,
): JsonSchema {
  return {
    description: about,
    headers: Object.fromEntries(
      headers.map((name) => [name, { description: answerHeaders[name], schema: { type: 'string' } }]),
    ),
    content: {
      ...(body && { [mediaType]: { schema: jsonSchemaOf(body, 'output', shared) } }),
      ...(hasCsv && { 'text/csv': { schema: { type: 'string' } } }),
      ...(hasStream && { 'text/event-stream': { schema: { type: 'string' } } }),
    },
  }
}
