import { sql } from 'kysely'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { RecordedEvent } from '../../src/events/event.ts'
import { StreamName } from '../../src/events/identifiers.ts'
import { createGeneration, serveGeneration } from '../../src/projections/engine/generations.ts'
import { migrate } from '../../src/projections/engine/migrate.ts'
import { logIndex } from '../../src/projections/log-index.ts'
import { selectEvents, selectLinks, type EventFilters, type EventOrder } from '../../src/projections/log-selection.ts'
import { databaseKinds } from '../support/databases.ts'
import { suiteDatabase } from '../support/lifetimes.ts'

const rows = 60_000
/** A log as a busy council writes it: many chats of 20 events, few budgets, one rare type and one rare actor in the distant past. */
const streamOf = (n: number): string => (n % 3 === 0 ? `budget/council/${n % 30}` : `chat/${Math.floor(n / 20)}`)
const typeOf = (n: number): string => (n === 7 ? 'ModeSwitched' : n % 3 === 0 ? 'BudgetDebited' : `Type${n % 2}`)
const actorOf = (n: number): string => (n === 8 ? 'user:rare' : n % 20 === 1 ? 'user:ada' : 'worker')
const requestOf = (n: number): string | null => (n % 5 === 0 ? null : `request-${Math.floor(n / 20)}`)

const all = Array.from({ length: rows }, (_, index) => index + 1)

function matches(n: number, { stream, types, actor, request }: EventFilters): boolean {
  const isIn = !stream || ('name' in stream ? streamOf(n) === stream.name : streamOf(n).startsWith(stream.prefix))
  return (
    isIn &&
    (types === undefined || types.includes(typeOf(n))) &&
    (actor === undefined || actorOf(n) === actor) &&
    (request === undefined || requestOf(n) === request)
  )
}

const filters: fc.Arbitrary<EventFilters> = fc.record(
  {
    stream: fc.oneof(
      fc.constantFrom('chat/', 'budget/', 'budget/council/1', 'c', '', 'nothing/').map((prefix) => ({ prefix })),
      fc.constantFrom('chat/2900', 'budget/council/3', 'chat/none').map((name) => ({ name: StreamName.parse(name) })),
    ),
    types: fc.constantFrom(['ModeSwitched'], ['BudgetDebited', 'ModeSwitched'], ['Type0', 'Type1', 'Type2']),
    actor: fc.constantFrom('user:ada', 'user:rare', 'worker', 'user:missing'),
    request: fc.constantFrom('request-2900', 'request-1', 'request-none'),
  },
  { requiredKeys: [] },
)

describe.each(databaseKinds)('the index of the log on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  await migrate(db.postgres)
  await db.postgres.transaction(async (tx) => {
    await createGeneration(tx, logIndex, 1)
    await serveGeneration(tx, logIndex, 1)
    const values = all.map((n) => ({
      ...{ sequence: n, position: `${1_000 + n}-0`, stream: streamOf(n), revision: n, type: typeOf(n) },
      ...{
        actor: actorOf(n),
        request_id: requestOf(n),
        event_id: `event-${n}`,
        command_id: `command-${Math.ceil(n / 2)}`,
      },
      causation_id: n % 20 < 2 ? `command-${Math.ceil(n / 2)}` : `event-${n - (n % 20) + 1}`,
      occurred_at: new Date(n).toISOString(),
    }))
    await sql`
      insert into log_index_1.log_index
      select * from json_populate_recordset(null::log_index_1.log_index, ${JSON.stringify(values)}::json)`.execute(tx)
  })

  test('finds exactly the events that match, page after page, in both orders', async () => {
    await fc.assert(
      fc.asyncProperty(
        filters,
        fc.constantFrom<EventOrder>('asc', 'desc'),
        fc.constantFrom(7, 1_000),
        async (asked, order, limit) => {
          const inOrder = order === 'asc' ? all : all.toReversed()
          const expected = inOrder.filter((n) => matches(n, asked)).slice(0, 3 * limit)
          const seen: number[] = []
          let cursor: number | null = null
          do {
            const page: Awaited<ReturnType<typeof selectEvents>> = await db.postgres.snapshot((tx) =>
              selectEvents(tx, asked, { order, cursor, limit }),
            )
            expect(page.rows.length).toBeLessThanOrEqual(limit)
            seen.push(...page.rows.map(({ sequence }) => sequence))
            cursor = page.next
          } while (cursor !== null && seen.length < 3 * limit)
          expect(seen.slice(0, 3 * limit)).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  })

  test.each<[string, EventFilters]>([
    ['everything', {}],
    ['one stream', { stream: { name: StreamName.parse('budget/council/3') } }],
    ['a kind of stream', { stream: { prefix: 'budget/' } }],
    ['a rare type', { types: ['ModeSwitched'] }],
    ['several types', { types: ['ModeSwitched', 'BudgetDebited'] }],
    ['a rare actor', { actor: 'user:rare' }],
    ['a request', { request: 'request-2900' }],
    ['two filters', { types: ['BudgetDebited'], actor: 'worker' }],
  ])('finds %s by indexes, and scans nothing else', async (_, asked) => {
    const plans = await plansOf((explain) =>
      db.postgres.snapshot((tx) =>
        explain(tx, () => selectEvents(tx, asked, { order: 'desc', cursor: null, limit: 100 })),
      ),
    )
    expect(plans.length).toBeGreaterThan(0)
    for (const plan of plans) expect(plan).not.toMatch(/Seq Scan|Sort Method: external/)
  })

  test('links an event with its causes, its neighbours and what followed', async () => {
    const event = (n: number) =>
      ({
        sequence: n,
        metadata: {
          actor: actorOf(n),
          commandId: `command-${Math.ceil(n / 2)}`,
          eventId: `event-${n}`,
          causationId: n % 20 < 2 ? `command-${Math.ceil(n / 2)}` : `event-${n - (n % 20) + 1}`,
        },
      }) as RecordedEvent
    const links = async (n: number) => {
      const found = await db.postgres.snapshot((tx) => selectLinks(tx, event(n), 50))
      return Object.fromEntries(
        Object.entries(found).map(([name, linked]) => [name, linked.map((row) => row.sequence)]),
      )
    }
    expect(await links(41)).toEqual({
      causedBy: [],
      together: [],
      followed: Array.from({ length: 18 }, (_, index) => 42 + index),
    })
    expect(await links(47)).toEqual({ causedBy: [41], together: [48], followed: [] })
  })
})

const Lines = z.array(z.object({ 'QUERY PLAN': z.string() }))

/** The plans of the statements that some work executes. */
async function plansOf(
  run: (explain: <T>(tx: Parameters<typeof selectEvents>[0], work: () => Promise<T>) => Promise<T>) => Promise<unknown>,
): Promise<string[]> {
  const plans: string[] = []
  await run(async (tx, work) => {
    const execute = tx.getExecutor().executeQuery.bind(tx.getExecutor())
    const executor = tx.getExecutor()
    Object.assign(executor, {
      executeQuery: async (query: Parameters<typeof execute>[0]) => {
        const { rows: lines } = await execute({ ...query, sql: `explain (analyze, costs off) ${query.sql}` })
        plans.push(
          Lines.parse(lines)
            .map((line) => line['QUERY PLAN'])
            .join('\n'),
        )
        return execute(query)
      },
    })
    return work()
  })
  return plans
}
