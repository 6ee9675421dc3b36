import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { Position, StreamName } from '../../src/events/identifiers.ts'
import { readStored } from '../../src/events/log/read/stored-event.ts'
import {
  costGroupings,
  costSums,
  groupCosts,
  selectCostGroups,
  type CostGroup,
  type CostGrouping,
} from '../../src/projections/cost-groups.ts'
import { costs, selectCosts } from '../../src/projections/costs.ts'
import { migrate } from '../../src/projections/engine/migrate.ts'
import { databaseKinds } from '../support/databases.ts'
import { suiteDatabase } from '../support/lifetimes.ts'
import { applyInBatches, storedTables } from '../support/read-models.ts'

const requests = ['0190f2a0-0000-7000-8000-000000000001', '0190f2a0-0000-7000-8000-000000000002'] as const
const zones = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/New_York', 'Australia/Lord_Howe']

/** A settled call. Its time lies around the night in which clocks in Berlin go back. */
const call = fc.record({
  minute: fc.integer({ min: 0, max: 60 * 30 }),
  ms: fc.integer({ min: 0, max: 59_999 }),
  request: fc.constantFrom(...requests),
  model: fc.constantFrom('small', 'größer', 'Zweig'),
  member: fc.constantFrom('council', 'analyst'),
  phase: fc.constantFrom('respond', 'vote'),
  agent: fc.constantFrom(null, 'ada', 'bob'),
  usage: fc.constantFrom('reported', 'unknown'),
  cached: fc.constantFrom(undefined, 3),
  micros: fc.integer({ min: 0, max: 1_000 }),
})
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never

const metadata = { eventId: 'e', commandId: 'c', correlationId: 'c', causationId: 'c', actor: 'user:ada' }

/** A log of one prompt, whose asker is known, and of calls; the other request has no prompt. */
function logOf(calls: readonly Call[]): AnyRecordedEvent[] {
  const events: AnyRecordedEvent[] = []
  const add = (stream: string, type: string, version: number, data: object, occurredAt: string) =>
    events.push(
      readStored({
        position: Position.parse(`${1_800_000_000_000 + events.length}-0`),
        sequence: events.length + 1,
        stream: StreamName.parse(stream),
        revision: events.length + 1,
        ...{ type, version, data: JSON.stringify(data), mac: '' },
        metadata: JSON.stringify({ ...metadata, occurredAt }),
      }),
    )
  const conversationId = 'c'
  const submittedAt = '2026-10-24T12:00:00.000Z'
  add(
    `chat/${requests[0]}`,
    'PromptSubmitted',
    1,
    { requestId: requests[0], conversationId, text: 'Why?', submittedAt },
    submittedAt,
  )
  for (const [index, { minute, ms, request, agent, usage, cached, micros, ...names }] of calls.entries()) {
    const at = new Date(Date.parse('2026-10-24T20:00:00Z') + minute * 60_000 + ms).toISOString()
    const data = {
      ...{ callId: `call-${index}`, requestId: request, ...names, usage, promptTokens: 5 },
      ...(cached !== undefined && { cachedPromptTokens: cached }),
      ...{ completionTokens: 2, priceRef: 'p@1/1', actualMicros: micros },
    }
    add('budget/council/2026-10-24', 'BudgetDebited', 3, data, at)
    add('budget/user:ada/2026-10-24', 'BudgetDebited', 3, data, at)
    if (agent !== null) add(`budget/agent:${agent}/2026-10-24`, 'BudgetDebited', 3, data, at)
  }
  return events
}

describe.each(databaseKinds)('the costs on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  await migrate(db.postgres)
  const grouped = (selection: Parameters<typeof selectCostGroups>[1], after?: string[], limit = 1_000) =>
    db.postgres.transaction((tx) => selectCostGroups(tx, selection, after, limit))

  test('are one row per call, with its asker and its agent, whatever the sizes of the batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        async (calls, sizes) => {
          const events = logOf(calls)
          await applyInBatches(db.postgres, costs, events, sizes)
          const rows = await db.postgres.transaction(selectCosts)
          expect(rows.map((row) => [row.request_id, row.asker, row.agent, row.actual_micros])).toEqual(
            calls.map((one) => [one.request, one.request === requests[0] ? 'user:ada' : null, one.agent, one.micros]),
          )
          expect(await db.postgres.transaction((tx) => storedTables(tx, [costs]))).toEqual(costs.foldTables(events))
        },
      ),
      { numRuns: 12 },
    )
  })

  test('have the same groups in Postgres and in memory, in every time zone and in pages of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { maxLength: 14 }),
        fc.uniqueArray(fc.constantFrom(...costGroupings), { maxLength: 3 }),
        fc.constantFrom(...zones),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(null, '2026-10-24T23:30:00Z', '2026-10-25T01:00:00Z'),
        async (calls, by, timeZone, size, from) => {
          await applyInBatches(db.postgres, costs, logOf(calls), [50])
          const fromMs = from === null ? null : Date.parse(from)
          const rows = (await db.postgres.transaction(selectCosts)).filter(
            ({ settled_at }) => fromMs === null || Date.parse(settled_at) >= fromMs,
          )
          const expected = groupCosts(rows, by, timeZone).map(({ keys, rows: of }) => ({
            ...{ keys, ...costSums(of) },
            ...{ first: of[0]?.position as Position, last: of.at(-1)?.position as Position },
          }))
          const selection = { by, timeZone, fromMs, toMs: null, asker: null }
          expect(await grouped(selection)).toEqual(expected)
          if (by.length === 0) return
          const paged: CostGroup[] = []
          for (let page = await grouped(selection, undefined, size); page.length > 0;) {
            paged.push(...page)
            page = await grouped(
              selection,
              page.at(-1)?.keys.map((key) => key ?? ''),
              size,
            )
          }
          expect(paged).toEqual(expected)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('keep the two hours apart that clocks show twice', async () => {
    const at = (time: string, micros: number): Call => ({
      ...{ minute: (Date.parse(time) - Date.parse('2026-10-24T20:00:00Z')) / 60_000, ms: 0, micros },
      ...{ request: requests[0], model: 'small', member: 'council', phase: 'respond', agent: null },
      ...{ usage: 'reported' as const, cached: undefined },
    })
    const calls = [at('2026-10-25T00:10:00Z', 1), at('2026-10-25T01:10:00Z', 2), at('2026-10-25T23:10:00Z', 4)]
    await applyInBatches(db.postgres, costs, logOf(calls), [50])
    const by = (grouping: CostGrouping) =>
      grouped({ by: [grouping], timeZone: 'Europe/Berlin', fromMs: null, toMs: null, asker: null })
    const costOf = ({ keys, costMicros }: CostGroup) => [keys[0], costMicros]
    expect((await by('hour')).map(costOf)).toEqual([
      ['2026-10-25T00:00:00.000Z', 1],
      ['2026-10-25T01:00:00.000Z', 2],
      ['2026-10-25T23:00:00.000Z', 4],
    ])
    expect((await by('day')).map(costOf)).toEqual([
      ['2026-10-25', 3],
      ['2026-10-26', 4],
    ])
  })
})
