import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { EventCatalogue } from '../../src/events/event.ts'
import { upcast, upcasterOver, type Upcasters } from '../../src/events/upcast.ts'

/** A type that changed twice: dollars became micro-dollars, and then a currency was added. */
const catalogue: EventCatalogue = {
  MoneyMoved: {
    version: 3,
    summary: 'Money moved.',
    data: z.strictObject({ amountMicros: z.int(), currency: z.enum(['USD', 'EUR']) }),
  },
  NothingChanged: { version: 1, summary: 'Nothing changed.', data: z.strictObject({ by: z.string() }) },
}
const dollars = z.object({ dollars: z.number() })
const micros = z.object({ amountMicros: z.int() })
const steps: Upcasters = {
  MoneyMoved: {
    1: (data) => ({ amountMicros: dollars.parse(data).dollars * 1_000_000 }),
    2: (data) => ({ ...micros.parse(data), currency: 'USD' }),
  },
}
const read = upcasterOver(catalogue, steps)

describe('an event of an older version', () => {
  test('is upcast step by step from any version', () => {
    const newest = { amountMicros: 2_000_000, currency: 'USD' }
    expect(read('MoneyMoved', 1, { dollars: 2 }, '1-1')).toEqual(newest)
    expect(read('MoneyMoved', 2, { amountMicros: 2_000_000 }, '1-1')).toEqual(newest)
    expect(read('MoneyMoved', 3, newest, '1-1')).toEqual(newest)
    expect(read('NothingChanged', 1, { by: 'ada' }, '1-1')).toEqual({ by: 'ada' })
  })

  test('does not modify the stored data', () => {
    const stored = Object.freeze({ dollars: 2 })
    read('MoneyMoved', 1, stored, '1-1')
    expect(stored).toEqual({ dollars: 2 })
  })

  test('stops the reader if an upcaster is missing', () => {
    const gap = upcasterOver(catalogue, { MoneyMoved: { 1: (data) => data } })
    expect(() => gap('MoneyMoved', 1, {}, '7-1')).toThrow(
      expect.objectContaining({
        code: 'unknown_event_version',
        at: '7-1',
        message: 'MoneyMoved has no upcaster from version 2 (event at 7-1)',
      }),
    )
  })

  test('stops the reader if an upcaster fails, and names the event', () => {
    expect(() => read('MoneyMoved', 1, { pounds: 2 }, '7-2')).toThrow(
      expect.objectContaining({
        code: 'malformed_event',
        at: '7-2',
        message: expect.stringMatching(/^MoneyMoved v1: its upcaster from version 1 failed: /) as string,
      }),
    )
  })

  test.each([
    ['another shape', { amountMicros: 'two', currency: 'USD' }, /^MoneyMoved v2: amountMicros /],
    ['an extra field', { amountMicros: 2, currency: 'USD', note: 'x' }, /^MoneyMoved v2: .*note/],
    ['nothing', undefined, /^MoneyMoved v2: /],
  ])('stops the reader if an upcaster returns %s, and names the event', (_, made, message) => {
    const wrong = upcasterOver(catalogue, { MoneyMoved: { 2: () => made } })
    expect(() => wrong('MoneyMoved', 2, {}, '7-3')).toThrow(
      expect.objectContaining({
        code: 'malformed_event',
        at: '7-3',
        message: expect.stringMatching(message) as string,
      }),
    )
  })
})

test('an event of a newer version stops the reader', () => {
  expect(() => read('MoneyMoved', 4, {}, '7-4')).toThrow(
    expect.objectContaining({ code: 'unknown_event_version', at: '7-4' }),
  )
})

test.each(['NeverHeardOf', 'constructor', '__proto__', 'toString'])(
  'an event of the unknown type %s stops the reader',
  (type) => {
    expect(() => upcast(type, 1, {}, '7-5')).toThrow(expect.objectContaining({ code: 'unknown_event_type', at: '7-5' }))
  },
)
