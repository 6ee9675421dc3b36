import { z } from 'zod'
import { Uuid7 } from '../../events/identifiers.ts'
import type { Tx } from '../../projections/engine/projection.ts'
import type { Identity } from '../access/identity.ts'
import { Next, pageFields, pageOf } from './page.ts'
import { query, type Query } from './query.ts'

type About<Printed> = Pick<Query, 'path' | 'summary' | 'scope' | 'readModel'> & {
  /** What a row prints as. */
  row: z.ZodType<Printed>
  isCommon?: () => boolean
  isByAsker?: true
}

type ListSpec<Row, Cursor, Printed> = About<Printed> & {
  /** Names the array in the body. */
  name: string
  cursor: z.ZodType<Cursor>
  /** Rows after the cursor in the order of the list that the viewer may see, at most `limit`. */
  select: (tx: Tx, cursor: Cursor | undefined, limit: number, viewer: Identity) => Promise<Row[]>
  /** As clients send it back. */
  cursorOf: (row: Row) => string
  print: (row: Row) => Printed
}

const listOf = (name: string, row: z.ZodType): Pick<Query, 'body' | 'table'> => ({
  body: z.object({ [name]: z.array(row), next: Next }),
  table: { name, row },
})

/** A list in pages: `cursor` is the `next` of the page before, `limit` the size of a page. */
export const listQuery = <Row, Cursor, Printed extends object>({
  name,
  row,
  cursor,
  select,
  cursorOf,
  print,
  ...about
}: ListSpec<Row, Cursor, Printed>): Query =>
  query({
    ...about,
    fields: pageFields(cursor),
    ...listOf(name, row),
    notFound: 'there is no such list',
    async answer(tx, asked, _, viewer) {
      const { page, last } = await pageOf(asked.limit, (limit) => select(tx, asked.cursor, limit, viewer))
      return { [name]: page.map(print), next: last ? cursorOf(last) : null }
    },
  })

type ListByStatusSpec<Row, Status, Printed> = Omit<ListSpec<Row, Uuid7, Printed>, 'cursor' | 'select'> & {
  status: z.ZodType<Status>
  /** Rows with the status, or all, older than an id, newest first, that the viewer may see; at most `limit`. */
  select: (
    tx: Tx,
    asked: { status: Status | undefined; before: Uuid7 | undefined; limit: number },
    viewer: Identity,
  ) => Promise<Row[]>
}

/** The same for a list of things that have an id and a status: `status` leaves out those with another one. */
export const listByStatusQuery = <Row, Status, Printed extends object>({
  name,
  row,
  status: known,
  select,
  cursorOf,
  print,
  ...about
}: ListByStatusSpec<Row, Status, Printed>): Query =>
  query({
    ...about,
    fields: { status: known.optional(), ...pageFields(Uuid7) },
    ...listOf(name, row),
    notFound: 'there is no such list',
    async answer(tx, { status, cursor: before, limit }, _, viewer) {
      const { page, last } = await pageOf(limit, (most) => select(tx, { status, before, limit: most }, viewer))
      return { [name]: page.map(print), next: last ? cursorOf(last) : null }
    },
  })

type ItemSpec<Row, Id, Printed> = About<Printed> & {
  notFound: string
  id: z.ZodType<Id>
  /** Undefined also for a row that the viewer may not see. */
  select: (tx: Tx, id: Id, viewer: Identity) => Promise<Row | undefined>
  print: (row: Row) => Printed
}

/** One row, which `:id` names. */
export const itemQuery = <Row, Id, Printed extends object>({
  select,
  row,
  print,
  ...about
}: ItemSpec<Row, Id, Printed>): Query =>
  query({
    ...about,
    fields: {},
    body: row,
    async answer(tx, _, id, viewer) {
      const found = await select(tx, id, viewer)
      return found === undefined ? null : print(found)
    },
  })
