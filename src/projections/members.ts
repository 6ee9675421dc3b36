import { sql } from 'kysely'
import { z } from 'zod'
import { councilEvents, type CouncilEvent } from '../events/council.ts'
import { isEventOf, type RecordedEvent } from '../events/event.ts'
import { bigint, bytewise, double, nullable, text, textOf, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { rowsIn, type MemoryTables } from './engine/read-model.ts'
import { storableText } from './engine/rows.ts'
import { tableOf } from './engine/table.ts'
import type { TableProjection } from './engine/table-projection.ts'
import {
  addFigures,
  figureEvents,
  figures,
  memberChanges,
  noFigures,
  openDrafts,
  openElections,
  type MemberChange,
  type Underway,
} from './member-figures.ts'

const columns = {
  member: bytewise(text),
  /** The name, the persona, the own model and the weight, of the newest seating that has the member; null without one. */
  name: nullable(text),
  persona: nullable(text),
  /** Null: the default model. */
  model: nullable(text),
  /** The weight of its ballot; null for the chair, which has none. */
  weight: nullable(double),
  /** Its place in the newest seating; null: it does not sit now. */
  seat: nullable(textOf(z.enum(['member', 'chair']))),
  ...figures,
  last_position: text,
  last_sequence: bigint,
}
export type MemberRow = RowOf<typeof columns>

const table = tableOf({ name: 'members', key: 'member', columns })
const stored = [table, openElections, openDrafts] as const
const handled = { ...figureEvents, ...councilEvents }
const canHandle = isEventOf(handled)

/**
 * `read_models.members`: one row per member that sits or sat on the council or was paid, the chair and the fast path
 * included, so that the costs of all rows sum to the cost of the council. `open_elections` and `open_drafts` hold the
 * facts that later events need.
 */
export const members: TableProjection<typeof columns, 'member'> = {
  name: 'members',
  version: 2,
  tables: stored.map(({ name }) => name),
  stored,
  handles: new Set(Object.keys(handled)),
  key: table.key,
  row: table.row,
  foldTables,
  fold: (events) => rowsIn(foldTables(events), 'members'),
  select: (tx, clauses) => table.select(tx, 'read_models', clauses),

  async createTables(tx, schema) {
    for (const { create } of stored) await create(tx, schema)
  },

  async apply(tx, schema, events) {
    const known = events.filter(canHandle)
    if (known.length === 0) return
    const ids = (category: string) => [
      ...new Set(
        known.map(({ stream }) => stream.split('/')).flatMap(([of, id = '']) => (of === category ? [id] : [])),
      ),
    ]
    const underway: Underway = {
      elections: keyed(await openElections.load(tx, schema, 'election_id', ids('election')), 'election_id'),
      drafts: keyed(await openDrafts.load(tx, schema, 'request_id', ids('chat')), 'request_id'),
    }
    const [electionIds, requestIds] = [[...underway.elections.keys()], [...underway.drafts.keys()]]
    const changes = memberChanges(known, underway)
    const seatings = known.filter(isSeating)
    const named = [...changes.map(({ member }) => member), ...seatings.flatMap(seatedIn)]
    const loaded = await table.load(tx, schema, 'member', [...new Set(named)])
    // A new seating also changes the rows of those that leave.
    if (seatings.length > 0) loaded.push(...(await table.select(tx, schema, sql`where seat is not null`)))
    const rows = evolveRows(keyed(loaded, 'member'), changes, seatings)
    await table.save(tx, schema, [...rows.values()])
    await openElections.save(tx, schema, [...underway.elections.values()])
    await openElections.remove(tx, schema, missingIn(underway.elections, electionIds))
    await openDrafts.save(tx, schema, [...underway.drafts.values()])
    await openDrafts.remove(tx, schema, missingIn(underway.drafts, requestIds))
  },
}

function foldTables(events: readonly RecordedEvent[], tables: MemoryTables = new Map()): MemoryTables {
  const underway: Underway = { elections: rowsIn(tables, 'open_elections'), drafts: rowsIn(tables, 'open_drafts') }
  evolveRows(rowsIn(tables, 'members'), memberChanges(events, underway), events.filter(isSeating))
  return tables
}

/** A page of rows after a member (`''`: from the first), ordered by member. */
export const selectMembers = (tx: Tx, after: string, limit: number): Promise<MemberRow[]> =>
  members.select(tx, sql`where member > ${after} order by member limit ${limit}`)

const keyed = <Row, Key extends keyof Row>(rows: readonly Row[], key: Key): Map<Row[Key], Row> =>
  new Map(rows.map((row) => [row[key], row]))
const missingIn = (open: ReadonlyMap<string, unknown>, ids: readonly string[]): string[] =>
  ids.filter((id) => !open.has(id))

type Seating = RecordedEvent<CouncilEvent>
export const isSeating = isEventOf(councilEvents)

/** The members that an event seats, the chair included. */
export const seatedIn = ({ data: { members: seated, chair } }: Seating): string[] =>
  [...seated, chair].map(({ id }) => id)

const neverSeated = { name: null, persona: null, model: null, weight: null, seat: null, ...noFigures }

/** Applies changes of figures and seatings to rows, in the order of the log. `rows` has every member that sits before them. */
function evolveRows(
  rows: Map<string, MemberRow>,
  changes: readonly MemberChange[],
  seatings: readonly Seating[],
): Map<string, MemberRow> {
  for (const step of [...changes, ...seatings].toSorted((a, b) => a.sequence - b.sequence)) {
    const last = { last_position: step.position, last_sequence: step.sequence }
    const change = (member: string, changed: Partial<MemberRow>) =>
      rows.set(member, { ...neverSeated, ...rows.get(member), ...changed, member, ...last })
    if ('figures' in step) change(step.member, addFigures(rows.get(step.member) ?? noFigures, step.figures))
    else {
      for (const { member, seat } of rows.values()) if (seat !== null) change(member, { seat: null })
      const { chair, members: seated } = step.data
      change(chair.id, { ...seatOf(chair), weight: null, seat: 'chair' })
      for (const member of seated) change(member.id, { ...seatOf(member), weight: member.weight, seat: 'member' })
    }
  }
  return rows
}

const seatOf = ({ name, persona, model }: Seating['data']['chair']) => ({
  name: storableText(name),
  persona: storableText(persona),
  model: model === undefined ? null : storableText(model),
})
