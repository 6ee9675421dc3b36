import { describe, expect, test } from 'vitest'
import { Principal } from '../../src/events/identifiers.ts'
import { subjectScope } from '../../src/events/policy.ts'
import { forecastOf, spentBy, userScope } from '../../web/money/forecast.ts'

const at = (time: string): number => Date.parse(`2026-11-26T${time}:00Z`)
const day = {
  opensAt: '2026-11-26T00:00:00Z',
  closesAt: '2026-11-27T00:00:00Z',
  spentMicros: 4_000_000,
  terms: { dailyMicros: 10_000_000, softPercent: 80 },
}

describe('the forecast of a day', () => {
  test('adds the pace of the last three hours for the time that is left', () => {
    expect(forecastOf(day, 1_500_000, at('18:00'))).toMatchObject({ totalMicros: 7_000_000 })
    expect(forecastOf(day, 0, at('18:00'))).toEqual({ totalMicros: 4_000_000, softAtMs: null, hardAtMs: null })
  })

  test('takes the pace of the day so far while it is younger, whatever was spent on the day before', () => {
    expect(forecastOf({ ...day, spentMicros: 500_000 }, 9_000_000, at('01:00'))?.totalMicros).toBe(12_000_000)
  })

  test('says when the limits are reached, as long as that is on this day and still to come', () => {
    expect(forecastOf(day, 3_000_000, at('18:00'))).toEqual({
      totalMicros: 10_000_000,
      softAtMs: at('22:00'),
      hardAtMs: null,
    })
    expect(forecastOf({ ...day, spentMicros: 9_000_000 }, 3_000_000, at('18:00'))).toMatchObject({
      softAtMs: null,
      hardAtMs: at('19:00'),
    })
    expect(forecastOf({ ...day, terms: null }, 3_000_000, at('18:00'))).toMatchObject({
      softAtMs: null,
      hardAtMs: null,
    })
  })

  test('is not made in the first quarter of an hour, after the end, or without the ends of the day', () => {
    expect(forecastOf(day, 10, at('00:14'))).toBeNull()
    expect(forecastOf(day, 10, Date.parse(day.closesAt))).toBeNull()
    expect(forecastOf({ ...day, opensAt: null }, 10, at('18:00'))).toBeNull()
  })
})

describe('what a scope has spent', () => {
  const rows = [
    { user: 'admin', agent: null, costMicros: 5 },
    { user: 'user:ada', agent: 'scout', costMicros: 7 },
  ]
  test('is all of it for the council, and its own part for a user or an agent', () => {
    expect(
      ['council', 'user:admin', 'user:ada', 'agent:scout', 'user:bob'].map((scope) => spentBy(scope, rows)),
    ).toEqual([...[12, 5, 7, 7, 0]])
  })

  test.each(['admin', 'user:ada', 'user:ada@example.org', 'agent:scout', 'zoë und mehr'])(
    'is found under the scope that the council gives to %s',
    (subject) => expect(userScope(subject)).toBe(subjectScope(Principal.parse(subject))),
  )
})
