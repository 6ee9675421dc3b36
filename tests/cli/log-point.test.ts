import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLogPoint } from '../../src/cli/arguments.ts'
import { inRange } from '../../src/cli/range.ts'
import { comparePositions, type Position } from '../../src/events/identifiers.ts'
import { endOf, startOf } from '../../src/events/log-point.ts'

const ms = (iso: string): number => Date.parse(iso)
const at = (iso: string, sequence: number | string = 0): Position => `${ms(iso)}-${sequence}` as Position
const highest = '18446744073709551615'

describe('a log point', () => {
  test.each([
    ['2026-11-25', '2026-11-25T00:00:00.000Z', '2026-11-25T23:59:59.999Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z', '2026-01-31T23:59:59.999Z'],
    ['2026-02-28', '2026-02-28T00:00:00.000Z', '2026-02-28T23:59:59.999Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z', '2028-02-29T23:59:59.999Z'],
    ['2026-12-31', '2026-12-31T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
  ])('of the day %s includes the whole day in UTC', (text, first, last) => {
    expect(parseLogPoint(text)).toEqual({ firstMs: ms(first), lastMs: ms(last) })
    const includes = inRange({ from: parseLogPoint(text), to: parseLogPoint(text) })
    expect([at(first), at(last, highest)].map(includes)).toEqual([true, true])
    const outside = [`${ms(first) - 1}-${highest}`, `${ms(last) + 1}-0`] as Position[]
    expect(outside.map(includes)).toEqual([false, false])
  })

  test.each([
    ['2026-11-25T00:00:00Z', '2026-11-25T00:00:00.000Z'],
    ['2026-11-25T10:00:00.250Z', '2026-11-25T10:00:00.250Z'],
    ['2026-11-25T01:30:00+02:00', '2026-11-24T23:30:00.000Z'],
    ['2026-11-25T23:30:00-05:00', '2026-11-26T04:30:00.000Z'],
  ])('of the time %s includes that millisecond', (text, exact) => {
    const moment = parseLogPoint(text)
    expect(moment).toEqual({ firstMs: ms(exact), lastMs: ms(exact) })
    const includes = inRange({ from: moment, to: moment })
    expect([at(exact), at(exact, highest)].map(includes)).toEqual([true, true])
    expect(includes(`${ms(exact) + 1}-0` as Position)).toBe(false)
  })

  test('of a position includes only that event', () => {
    const moment = parseLogPoint('1795448595415-7')
    const includes = inRange({ from: moment, to: moment })
    const neighbours = ['1795448595415-6', '1795448595415-7', '1795448595415-8'] as Position[]
    expect(neighbours.map(includes)).toEqual([false, true, false])
  })

  test.each([
    ...['2026-02-29', '2026-02-30', '2026-04-31', '2026-13-01', '2026-1-1', '20261125'],
    ...['2026-11-25T10:00:00', '2026-11-25T24:00:00Z', 'yesterday', ''],
  ])('cannot be %j', (text) => expect(() => parseLogPoint(text)).toThrow('It must be a position'))

  test('of a day before 1970 begins at the first position', () => {
    expect(startOf(parseLogPoint('1969-12-31'))).toBe('0-0')
    expect(startOf(parseLogPoint('0-0'))).toBe('0-0')
    expect(endOf(parseLogPoint('1969-12-31'))).toBe(`0-${highest}`)
  })
})

describe('a range', () => {
  test('of days includes exactly the events of these days in UTC', () => {
    const day = fc
      .date({ min: new Date('2024-01-01'), max: new Date('2032-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10))
    const event = fc.date({ min: new Date('2023-12-01'), max: new Date('2033-01-31'), noInvalidDate: true })
    fc.assert(
      fc.property(day, day, event, fc.nat(), (one, other, when, sequence) => {
        const [from, to] = one < other ? [one, other] : [other, one]
        const happened = when.toISOString().slice(0, 10)
        expect(
          inRange({ from: parseLogPoint(from), to: parseLogPoint(to) })(`${when.getTime()}-${sequence}` as Position),
        ).toBe(from <= happened && happened <= to)
      }),
    )
  })

  test('without a start or an end reaches to that end of the log', () => {
    expect(inRange({})('5-5' as Position)).toBe(true)
    expect(inRange({ from: parseLogPoint('5-5') })('9-9' as Position)).toBe(true)
    expect(inRange({ to: parseLogPoint('5-5') })('1-1' as Position)).toBe(true)
  })

  test.each([
    ['2026-11-26', '2026-11-25'],
    ['5-6', '5-5'],
    ['2026-11-25T10:00:00Z', '2026-11-25T09:59:59.999Z'],
  ])('from %s to %s is refused', (from, to) => {
    expect(() => inRange({ from: parseLogPoint(from), to: parseLogPoint(to) })).toThrow(
      expect.objectContaining({ code: 'usage', exitCode: 2 }),
    )
  })

  test('begins and ends with its log points', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4e12 }), (timeMs) => {
        const moment = parseLogPoint(new Date(timeMs).toISOString())
        expect(comparePositions(startOf(moment), `${timeMs}-0` as Position)).toBeLessThan(0)
        expect(endOf(moment)).toBe(`${timeMs}-${highest}`)
      }),
    )
  })
})
