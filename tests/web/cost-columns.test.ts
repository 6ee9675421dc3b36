import { describe, expect, test } from 'vitest'
import { columnsOf, groupsOf, type CostRow } from '../../web/money/cost-rows.ts'
import { bucketOf, bucketsOf, periodOf, searchOf } from '../../web/money/period.ts'

const hourMs = 3_600_000
const start = new Date(2026, 10, 26).getTime()
const row = (hours: number, member: string | null, costMicros: number, position = `${hours}-0`): CostRow => ({
  hour: new Date(start + hours * hourMs).toISOString(),
  member,
  calls: 1,
  costMicros,
  promptTokens: 10,
  completionTokens: 5,
  positions: { first: position, last: position },
})
const span = { fromMs: start, toMs: start + 4 * hourMs }
const view = { by: 'member', bucket: 'hour', span } as const

describe('the columns of costs', () => {
  test('have one for each hour, those without a call included, and the dearest group at the bottom', () => {
    const { startsMs, parts } = columnsOf([row(0, 'analyst', 2), row(2, 'sceptic', 9), row(2, null, 1)], view)
    expect(startsMs).toEqual([0, 1, 2, 3].map((hours) => start + hours * hourMs))
    expect(parts).toEqual([
      { name: 'sceptic', label: 'sceptic', valuesMicros: [0, 0, 9, 0] },
      { name: 'analyst', label: 'analyst', valuesMicros: [2, 0, 0, 0] },
      { name: null, label: 'none', valuesMicros: [0, 0, 1, 0] },
    ])
  })

  test('put small groups into one part, so that colours can be told apart, and lose nothing', () => {
    const rows = Array.from({ length: 9 }, (_, index) => row(1, `member-${index}`, 100 - index))
    const { parts } = columnsOf(rows, view)
    expect(parts.map(({ label }) => label)).toEqual([...[0, 1, 2, 3, 4].map((n) => `member-${n}`), '4 others'])
    expect(parts.flatMap(({ valuesMicros }) => valuesMicros).reduce((sum, value) => sum + value)).toBe(864)
  })

  test('sum to the groups of the table, whose events are the first and the last by position', () => {
    expect(groupsOf([row(1, 'a', 3, '100-2'), row(0, 'a', 4, '100-10'), row(0, 'b', 1)], 'member')).toMatchObject([
      { name: 'a', costMicros: 7, calls: 2, promptTokens: 20, positions: { first: '100-2', last: '100-10' } },
      { name: 'b', costMicros: 1 },
    ])
  })
})

describe('the period of the money', () => {
  const now = new Date(2026, 10, 26, 15, 30).getTime()
  test('is today, some days with today, or what the address says', () => {
    expect(periodOf('', now)).toEqual({ preset: 'today', fromMs: start, toMs: new Date(2026, 10, 27).getTime() })
    expect(periodOf('?period=week', now)).toMatchObject({ preset: 'week', fromMs: new Date(2026, 10, 20).getTime() })
    const chosen = { preset: null, fromMs: start, toMs: start + hourMs }
    expect(periodOf(searchOf(chosen, 'model'), now)).toEqual(chosen)
    expect(searchOf(periodOf('', now), 'member')).toBe('')
  })

  test('is today where the address makes no sense', () => {
    for (const search of ['?from=never&to=2026-11-26T00:00:00Z', '?from=2026-11-27&to=2026-11-26', '?period=year'])
      expect(periodOf(search, now).preset).toBe('today')
  })

  test('has hours up to three days, and days beyond', () => {
    expect(bucketOf(span)).toBe('hour')
    const month = periodOf('?period=month', now)
    expect(bucketOf(month)).toBe('day')
    expect(bucketsOf(month, 'day')).toHaveLength(30)
  })
})
