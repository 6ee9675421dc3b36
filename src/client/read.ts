import { failureOf, sendRequest } from './http.ts'
import { malformed } from './server-frame.ts'
import { isObject } from './shape.ts'
import type { ServerAddress } from './server-address.ts'

export type ReadOptions<Body> = {
  /** The position of an event: the answer reflects it, or the request fails with `read_model_behind`. */
  after?: string | null
  /** Other parameters of the query string. */
  query?: Readonly<Record<string, string | number>>
  /** Checks and types the body, or one row of a list; by default it stays unknown. Its errors reach the caller. */
  parse?: (body: unknown) => Body
  /** For how long to try again after transient failures, in milliseconds; default 30,000. */
  retryForMs?: number
  signal?: AbortSignal
}

/** `position`: the place in the log that the answer reflects; null where the route has none. */
export type ReadAnswer<Body> = { body: Body; position: string | null }

/**
 * Reads `GET /v1/…`. Throws ClientError with the code of the server's problem (`not_found`, `read_model_behind`, …),
 * `unauthorized`, `no_council`, `connection_lost` and `interrupted`.
 */
export async function read<Body>(
  server: ServerAddress,
  path: string,
  { after, query = {}, parse, retryForMs = 30_000, signal }: ReadOptions<Body>,
): Promise<ReadAnswer<Body>> {
  const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  if (after != null) parameters.set('after', after)
  const full = parameters.size === 0 ? path : `${path}?${parameters.toString()}`
  const answer = await sendRequest(server, { method: 'GET', path: full, retryForMs, signal })
  if (answer.status !== 200) throw failureOf(answer, server)
  const body = parse ? parse(answer.body) : (answer.body as Body)
  return { body, position: answer.headers.get('x-council-position') }
}

/**
 * The rows of a list, page after page, in the order of the list: `rows(server, '/v1/approvals', 'approvals', …)`.
 * `query.limit` is the size of a page. Throws as `read` does.
 */
export async function* rows<Row>(
  server: ServerAddress,
  path: string,
  name: string,
  { parse, query = {}, ...options }: ReadOptions<Row>,
): AsyncGenerator<Row> {
  for (let cursor: string | null = null, isLast = false; !isLast;) {
    const page: Page = (
      await read(server, path, {
        ...options,
        query: { ...query, ...(cursor !== null && { cursor }) },
        parse: (body) => pageOf(body, name),
      })
    ).body
    for (const row of page.rows) yield parse ? parse(row) : (row as Row)
    cursor = page.next
    isLast = cursor === null
  }
}

type Page = { rows: readonly unknown[]; next: string | null }

function pageOf(body: unknown, name: string): Page {
  const list = isObject(body) ? body[name] : undefined
  const next = isObject(body) ? body['next'] : undefined
  if (!Array.isArray(list) || (typeof next !== 'string' && next !== null)) throw malformed(`it is no page of ${name}`)
  return { rows: list, next }
}
