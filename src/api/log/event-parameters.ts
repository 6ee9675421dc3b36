import { z } from 'zod'
import { eventCatalogue } from '../../events/catalogue.ts'
import { StreamName, Uuid7 } from '../../events/identifiers.ts'
import type { EventFilters } from '../../projections/log-selection.ts'
import { After, pageFields, sequenceCursor } from '../queries/page.ts'

const maxTypes = 20
const prefixPattern = /^[A-Za-z0-9:_./-]{0,512}\*$/

/** `chat/<id>`, or a prefix that ends in `*`. */
const StreamFilter = z
  .string()
  .refine(
    (text) => prefixPattern.test(text) || StreamName.safeParse(text).success,
    'must be the name of a stream, or the beginning of one followed by *',
  )
  .transform((text): NonNullable<EventFilters['stream']> =>
    text.endsWith('*') ? { prefix: text.slice(0, -1) } : { name: StreamName.parse(text) },
  )

const TypesFilter = z
  .string()
  .transform((text) => [...new Set(text.split(','))])
  .refine((types) => types.length <= maxTypes, `must be at most ${maxTypes} types`)
  .refine(
    (types) => types.every((type) => Object.hasOwn(eventCatalogue, type)),
    'must be types of events, separated by commas, such as PromptSubmitted,AnswerCompleted',
  )

/** The filters of a list of events, as a query string has them. */
const filterFields = {
  stream: StreamFilter.optional(),
  type: TypesFilter.optional(),
  actor: z.string().min(1).max(128).optional(),
  request: Uuid7.optional(),
}

/** The parameters of the topic `events`. */
export const EventFilterParameters = z.strictObject(filterFields)

/** The parameters of `GET /v1/events`. */
export const EventParameters = z.strictObject({
  after: After,
  ...filterFields,
  order: z.enum(['asc', 'desc']).default('desc'),
  ...pageFields(sequenceCursor),
})

/** The filters among the parameters. */
export const filtersOf = ({
  stream,
  type,
  actor,
  request,
}: Pick<z.output<typeof EventParameters>, 'stream' | 'type' | 'actor' | 'request'>): EventFilters => ({
  stream,
  types: type,
  actor,
  request,
})
