import { z } from 'zod'
import { isTimeZone, spanOf } from '../../events/day.ts'
import {
  CostGroupings,
  costGroupings,
  printCostKeys,
  selectCostGroups,
  type CostGroup,
  type CostGrouping,
} from '../../projections/cost-groups.ts'
import { costs } from '../../projections/costs.ts'
import { isoTime } from '../../platform/clock.ts'
import { seesAllChats } from '../access/identity.ts'
import { Count, Micros, Positions, Time } from './fields.ts'
import { Next, pageFields, pageOf } from './page.ts'
import { query, type Query } from './query.ts'

/** A day, of the time zone of the query, or a time with its zone. */
const moment = z
  .string()
  .refine(
    (text) => spanOf(text, 'UTC') !== null,
    'must be a day, 2026-11-23, or a time with its zone, 2026-11-23T10:00:00Z',
  )
  .meta({ description: 'A day of the `timeZone`, or a time with its zone; included.', examples: ['2026-11-23'] })

const Keys = z.array(z.string().regex(/^[^\0]*$/))
/** The keys of a group, as the cursor of the page after it. */
const CostCursor = z
  .string()
  .max(4_000)
  .transform((cursor, context) => {
    const keys = Keys.safeParse(parsed(Buffer.from(cursor, 'base64url').toString()))
    if (keys.success) return keys.data
    context.addIssue('is no cursor of this list')
    return z.NEVER
  })

const Key = z.string().nullable().optional()
const CostGroupBody = z
  .object({
    ...(Object.fromEntries(costGroupings.map((grouping) => [grouping, Key])) as Record<CostGrouping, typeof Key>),
    opensAt: Time.nullable().optional().meta({ description: 'The first instant of the day.' }),
    closesAt: Time.nullable().optional().meta({ description: 'The first instant of the next day.' }),
    calls: Count,
    promptTokens: Count,
    cachedPromptTokens: Count,
    completionTokens: Count,
    costMicros: Micros,
    callsOfUnknownUsage: Count.meta({
      description: 'Calls that were charged at their reservations, because their usage is not known.',
    }),
    positions: Positions,
  })
  .meta({ id: 'CostGroup', description: 'The model calls that share a value of each grouping.' })

/** What model calls have cost, by any grouping. Amounts are integer micro-dollars. */
export const costQueries: readonly Query[] = [
  query({
    path: '/v1/costs',
    summary: 'What model calls have cost, in all or by any grouping.',
    scope: 'treasury:read',
    readModel: costs,
    fields: {
      groupBy: CostGroupings.default([]),
      from: moment.optional(),
      to: moment.optional(),
      timeZone: z
        .string()
        .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Berlin')
        .meta({ description: 'Of days and hours; a name of the IANA database.' })
        .default('UTC'),
      ...pageFields(CostCursor),
    },
    body: z.object({
      groupBy: z.array(z.enum(costGroupings)),
      timeZone: z.string(),
      from: Time.nullable(),
      to: Time.nullable(),
      costs: z.array(CostGroupBody),
      next: Next,
    }),
    table: { name: 'costs', row: CostGroupBody },
    notFound: 'there is no such list',
    problem(asked) {
      const { fromMs, toMs } = rangeOf(asked)
      if (fromMs !== null && toMs !== null && toMs < fromMs) return 'to: is before from'
      return asked.cursor && asked.cursor.length !== asked.groupBy.length ? 'cursor: is no cursor of this list' : null
    },
    isCommon: ({ groupBy }) => !groupBy.includes('request'),
    async answer(tx, asked, _, viewer) {
      const { groupBy: by, timeZone, cursor, limit } = asked
      const { fromMs, toMs } = rangeOf(asked)
      // By request they tell who asked how much; the other groupings are the council's books.
      const asker = by.includes('request') && !seesAllChats(viewer) ? viewer.subject : null
      const selection = { by, timeZone, fromMs, toMs, asker }
      const { page, last } = await pageOf(limit, (most) => selectCostGroups(tx, selection, cursor, most))
      return {
        groupBy: by,
        timeZone,
        from: fromMs === null ? null : isoTime(fromMs),
        to: toMs === null ? null : isoTime(toMs),
        costs: page.map((group) => printCosts(by, group, timeZone)),
        next: last && by.length > 0 ? cursorOf(last) : null,
      }
    },
  }),
]

type RangeText = { from?: string | undefined; to?: string | undefined; timeZone: string }

/** Milliseconds, both included; null: open. */
const rangeOf = ({ from, to, timeZone }: RangeText) => ({
  fromMs: from === undefined ? null : (spanOf(from, timeZone)?.firstMs ?? null),
  toMs: to === undefined ? null : (spanOf(to, timeZone)?.lastMs ?? null),
})

function printCosts(by: readonly CostGrouping[], { keys, first, last, ...sums }: CostGroup, timeZone: string) {
  return { ...printCostKeys(by, keys, timeZone), ...sums, positions: { first, last } }
}

const cursorOf = ({ keys }: CostGroup): string =>
  Buffer.from(JSON.stringify(keys.map((key) => key ?? ''))).toString('base64url')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
