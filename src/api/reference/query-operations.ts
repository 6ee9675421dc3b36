import { queryAreas } from '../queries/queries.ts'
import type { Query } from '../queries/query.ts'
import type { Operation } from './operation.ts'

const operationOf = (tag: string, query: Query): Operation => ({
  method: 'get',
  path: query.path,
  tag,
  summary: query.summary,
  scope: query.scope,
  ...(query.id && { id: query.id }),
  query: query.parameters,
  answers: {
    200: {
      about: 'The answer, at the position that `X-Council-Position` names.',
      body: query.body,
      hasCsv: query.table !== undefined,
      headers: ['X-Council-Position', 'ETag', ...(query.table ? (['Link'] as const) : [])],
    },
  },
})

/** Every query of the read models. */
export const queryOperations: readonly Operation[] = Object.entries(queryAreas).flatMap(([area, queries]) =>
  queries.map((query) => operationOf(area, query)),
)
