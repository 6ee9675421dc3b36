import { request } from 'undici'
import { expect } from 'vitest'
import { queries } from '../../src/api/queries/queries.ts'
import type { Query } from '../../src/api/queries/query.ts'
import { newId } from './council.ts'
import { adminToken } from './served-council.ts'

type Headers = Record<string, string>
export type ApiAnswer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Record<string, unknown>
}

/** The headers of a client that has the admin token. */
export const authorized: Headers = { authorization: `Bearer ${adminToken}` }

async function call(url: string, method: 'GET' | 'POST', headers: Headers, sent?: string | Buffer): Promise<ApiAnswer> {
  const {
    statusCode,
    headers: answered,
    body,
  } = await request(url, { method, headers, ...(sent !== undefined && { body: sent }) })
  return { status: statusCode, headers: answered, body: (await body.json()) as Record<string, unknown> }
}

/** Reads a path of a council, with the admin token by default. Expects that the answer of a query is what it says it is. */
export async function apiGet(
  council: { url: string },
  path: string,
  headers: Headers = authorized,
): Promise<ApiAnswer> {
  const answer = await call(`${council.url}${path}`, 'GET', headers)
  const query = answer.status === 200 ? queryAt(path) : undefined
  if (query) expect(query.body.parse(answer.body)).toEqual(answer.body)
  return answer
}

function queryAt(path: string): Query | undefined {
  const segments = path.split('?')[0]?.split('/') ?? []
  return queries.find((query) => {
    const parts = query.path.split('/')
    return parts.length === segments.length && parts.every((part, at) => part.startsWith(':') || part === segments[at])
  })
}

/** Posts a body to a path of a council, with exactly these headers. */
export const apiPost = (
  council: { url: string },
  path: string,
  body: string | Buffer,
  headers: Headers,
): Promise<ApiAnswer> => call(`${council.url}${path}`, 'POST', headers, body)

/** Executes a command over HTTP under an idempotency key, by default a new one. */
export const executeCommand = (
  council: { url: string; token?: string },
  name: string,
  fields: unknown,
  key: string = newId(),
): Promise<ApiAnswer> =>
  apiPost(council, `/v1/commands/${name}`, JSON.stringify(fields), {
    authorization: `Bearer ${council.token ?? adminToken}`,
    'content-type': 'application/json',
    'idempotency-key': key,
  })
