import { z } from 'zod'
import type { Position } from '../../events/identifiers.ts'
import type { TokenScope } from '../../events/token.ts'
import type { Projection, Tx } from '../../projections/engine/projection.ts'
import { anyone, type Identity } from '../access/identity.ts'
import { After, formatIssues } from './page.ts'

/** A query of the public API over one read model: `GET <path>`, and a topic of live changes. */
export type Query = {
  /** With `:id` for a query about one thing. */
  path: string
  /** A sentence about the answer. */
  summary: string
  scope: TokenScope
  readModel: Pick<Projection, 'name' | 'tables' | 'handles'>
  /** The parameters of the query string, `after` among them. */
  parameters: z.ZodObject
  /** The values of `:id`; null: the path has none. */
  id: z.ZodType | null
  /** The JSON that it answers. */
  body: z.ZodType
  /** It shows prompts and what came of them, to others than their askers only with `chat:read-all`. */
  isByAsker?: true
  /** The rows of a list, for spreadsheets: their name in the body, and their schema. `format=csv` asks for them alone. */
  table?: { name: string; row: z.ZodType }
  /** The detail of the problem `not_found`. */
  notFound: string
  /** Parses a request. */
  ask: (request: QueryRequest) => Asked | QueryFault
}

/** `csv`: the rows alone, as a file for a spreadsheet (RFC 4180). */
const Format = z
  .enum(['json', 'csv'])
  .default('json')
  .meta({ description: '`csv`: the rows alone, for a spreadsheet; `Link` names the next page.' })

/** The path's `:id` and the query string of a request, as they came. */
export type QueryRequest = { id: string | undefined; query: unknown }

/** A request that can be answered. */
export type Asked = {
  outcome: 'asked'
  format: z.infer<typeof Format>
  /** The answer must reflect this position or a later one; null: whichever it is. */
  after: Position | null
  /** Whether the answer is the same for everyone with the scope. It is then made for `anyone`, and subscribers share it. */
  isCommon: boolean
  /** The body of the answer, for the one who asks; null: not found. */
  answer: (tx: Tx, viewer: Identity) => Promise<object | null>
}

/** For queries whose answers are the same for everyone with the scope. */
export const always = (): boolean => true

/** A request that cannot be answered. */
export type QueryFault = { outcome: 'malformed_request' | 'not_found'; detail: string }

type QuerySpec<Fields extends z.ZodRawShape, Id> = Omit<Query, 'parameters' | 'id' | 'ask'> & {
  /** Parameters of the query string besides `after`. */
  fields: Fields
  /** The problem of parameters that each match their schema; null: none. */
  problem?: (query: z.output<z.ZodObject<Fields>>) => string | null
  /** The schema of `:id` in the path, if there is one: a value that does not match it is not found. */
  id?: z.ZodType<Id>
  /** By default each viewer has an answer of their own. */
  isCommon?: (query: z.output<z.ZodObject<Fields>>) => boolean
  answer: (tx: Tx, query: z.output<z.ZodObject<Fields>>, id: Id, viewer: Identity) => Promise<object | null>
}

/** A query with its own parameters. */
export function query<Fields extends z.ZodRawShape, Id = undefined>({
  fields,
  problem,
  id,
  isCommon = () => false,
  answer,
  ...about
}: QuerySpec<Fields, Id>): Query {
  const parameters = z.strictObject({ after: After, ...(about.table && { format: Format }), ...fields })
  return {
    ...about,
    parameters,
    id: id ?? null,
    ask(request) {
      const known = parameters.safeParse(request.query)
      if (!known.success) return { outcome: 'malformed_request', detail: formatIssues(known.error) }
      const named = (id ?? z.undefined()).safeParse(request.id)
      if (!named.success) return { outcome: 'not_found', detail: about.notFound }
      const {
        after,
        format = 'json',
        ...rest
      } = known.data as z.output<z.ZodObject<Fields>> & { after?: Position; format?: Asked['format'] }
      const asked = rest as z.output<z.ZodObject<Fields>>
      const wrong = problem?.(asked) ?? null
      if (wrong !== null) return { outcome: 'malformed_request', detail: wrong }
      return {
        outcome: 'asked',
        format,
        after: after ?? null,
        isCommon: isCommon(asked),
        answer: (tx, viewer) => answer(tx, asked, named.data as Id, isCommon(asked) ? anyone : viewer),
      }
    },
  }
}
