import { z } from 'zod'
import { Position } from '../../events/identifiers.ts'

const defaultPage = 100
const maxPage = 1000
/** The parameter `limit` of a list. */
const pageSize = z.coerce
  .number()
  .pipe(z.int().min(1).max(maxPage))
  .meta({ type: 'integer', minimum: 1, maximum: maxPage, description: 'The most rows of a page.' })

/** The parameters of a list in pages. */
export const pageFields = <Cursor>(cursor: z.ZodType<Cursor>) => ({
  cursor: cursor.optional().meta({ description: 'The `next` of the page before.' }),
  limit: pageSize.default(defaultPage),
})

/** The parameter `after` of every query. */
export const After = Position.optional().meta({
  description: 'Waits, a bounded time, until the answer reflects this position or a later one.',
})

/** The cursor of a list in the order of the log: the sequence of an event. */
export const sequenceCursor = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)

/** Selects a page of at most `limit` rows. `last`: its last row, if a next page begins after it. */
export async function pageOf<Row>(
  limit: number,
  select: (limit: number) => Promise<Row[]>,
): Promise<{ page: Row[]; last: Row | undefined }> {
  // One row more than the page holds shows whether there is a next page.
  const rows = await select(limit + 1)
  const page = rows.slice(0, limit)
  return { page, last: rows.length > limit ? page.at(-1) : undefined }
}

/** The field `next` of a list: the cursor of the page after it; null: this is the last page. */
export const Next = z.string().nullable().meta({ description: 'The `cursor` of the next page; null: there is none.' })

/** The problems of parameters, as a detail. */
export const formatIssues = ({ issues }: z.ZodError): string =>
  issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ')
    .slice(0, 500)
