import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costMicros, parsePrices, type Price } from '../../../src/agents/models/prices.ts'

const entry = (fields: object = {}) => ({
  name: 'some',
  models: ['a-model'],
  promptMicrosPer1000: 150,
  completionMicrosPer1000: 600,
  ...fields,
})
const file = (fields: object = {}) => ({
  default: { name: 'default', promptMicrosPer1000: 1000, completionMicrosPer1000: 600 },
  prices: [entry({ models: ['Some-Model', 'alias'] })],
  ...fields,
})
/** The price of a model on a day; throws where it has none. */
function priceOf(model: string, { prices = parsePrices(file()), on = '2026-11-23' } = {}): Price {
  const found = prices.of(model, Date.parse(on))
  if (!found) throw new Error(`${model} has no price`)
  return found
}
const price = priceOf('some-model')

describe('the listing of a price', () => {
  test('names its models in one form, whatever the order and the number of its entries', () => {
    const named = { name: 'some', promptMicrosPer1000: 150, completionMicrosPer1000: 600 }
    const listing = { ...named, priceRef: 'some@150/600', cachedPromptMicrosPer1000: 150 }
    const entries = [entry({ models: ['B', 'a'] }), entry({ models: ['c'] })]
    for (const prices of [entries, entries.toReversed()])
      expect(parsePrices({ prices }).listings).toEqual([{ ...listing, models: ['a', 'b', 'c'] }])
    expect(parsePrices({ default: named, prices: [entry({ from: '2027-01-01' })] }).listings).toEqual([
      { ...listing, models: ['a-model'], validFrom: '2027-01-01' },
      listing,
    ])
  })
})

describe('the price of a model', () => {
  test('is found by any of its names, in any case, and carries its reference', () => {
    expect(price).toEqual({
      priceRef: 'some@150/600',
      promptMicrosPer1000: 150,
      cachedPromptMicrosPer1000: 150,
      completionMicrosPer1000: 600,
    })
    expect(priceOf('ALIAS')).toEqual(price)
  })

  test('is the default for a model that is not listed, and none where the file has no default', () => {
    expect(priceOf('unheard-of').priceRef).toBe('default@1000/600')
    expect(parsePrices(file({ default: undefined })).of('unheard-of', 0)).toBeNull()
  })

  test('is the newest one that holds on the day of the call', () => {
    const models = ['changing']
    const prices = parsePrices({
      prices: [
        entry({ models, from: '2026-12-01', promptMicrosPer1000: 90 }),
        entry({ models, from: '2026-06-01', promptMicrosPer1000: 120 }),
        entry({ models, promptMicrosPer1000: 150 }),
      ],
    })
    const on = (day: string) => priceOf('changing', { prices, on: day }).promptMicrosPer1000
    expect(['2026-05-31', '2026-06-01', '2026-11-30T23:59:59.999Z', '2026-12-01'].map(on)).toEqual([150, 120, 120, 90])
  })

  test('is none before the first day of the only price', () => {
    const prices = parsePrices({ prices: [entry({ models: ['new'], from: '2026-12-01' })] })
    expect(prices.of('new', Date.parse('2026-11-30'))).toBeNull()
  })

  test.each([
    ['is free', { prices: [entry({ promptMicrosPer1000: 0 })] }, 'promptMicrosPer1000'],
    ['has fractions', { prices: [entry({ completionMicrosPer1000: 0.5 })] }, 'completionMicrosPer1000'],
    ['has no name', { prices: [entry({ name: '' })] }, 'name'],
    ['has an unknown field', { prices: [entry({ perDay: 1 })] }, 'perDay'],
    [
      'lists a model twice',
      { prices: [entry({ models: ['a'] }), entry({ name: 'b', models: ['A'] })] },
      'more than one',
    ],
    [
      'has two from one day',
      { prices: [entry({ from: '2026-01-01' }), entry({ from: '2026-01-01' })] },
      'from 2026-01-01',
    ],
    ['names no model', { prices: [entry({ models: [] })] }, 'models'],
    ['starts on a day that does not exist', { prices: [entry({ from: '2026-02-30' })] }, 'from'],
  ])('is rejected when it %s, with the name of the field', (_, fields, words) => {
    expect(() => parsePrices(file(fields))).toThrow(words)
  })

  test('is listed for the embedded model in the price file of the repository', () => {
    const shipped = parsePrices(JSON.parse(readFileSync('config/prices.json', 'utf8')))
    expect(shipped.of('SmolLM2-135M-Instruct', 0)).toEqual(shipped.of('smollm2', 0))
    expect(shipped.of('smollm2', 0)?.priceRef).toMatch(/^smollm2@\d+\/\d+$/)
    expect(shipped.of('anything else', 0)).toBeNull()
  })
})

describe('the cost of a call', () => {
  const counts = fc.nat(2 ** 40)

  test.each([
    [0, 0, 0],
    [1000, 0, 150],
    [0, 1000, 600],
    [1, 0, 1],
    [37, 8, 11],
    [1000, 1000, 750],
  ])('of %i prompt and %i answer tokens is %i micro-dollars', (promptTokens, completionTokens, micros) => {
    expect(costMicros(price, { promptTokens, completionTokens })).toBe(micros)
  })

  test('counts the cached part of the prompt at its own rate, and names that rate', () => {
    const cached = priceOf('some-model', {
      prices: parsePrices(file({ prices: [entry({ models: ['some-model'], cachedPromptMicrosPer1000: 15 })] })),
    })
    expect(cached.priceRef).toBe('some@150/600/15')
    expect(costMicros(cached, { promptTokens: 1000, cachedPromptTokens: 800, completionTokens: 0 })).toBe(42)
    expect(costMicros(price, { promptTokens: 1000, cachedPromptTokens: 800, completionTokens: 0 })).toBe(150)
    expect(() => costMicros(cached, { promptTokens: 1, cachedPromptTokens: 2, completionTokens: 0 })).toThrow(
      RangeError,
    )
  })

  test('is an integer, zero only without usage, and rounded up by less than one', () => {
    fc.assert(
      fc.property(counts, counts, (promptTokens, completionTokens) => {
        const micros = costMicros(price, { promptTokens, completionTokens })
        const exactTimes1000 = BigInt(promptTokens) * 150n + BigInt(completionTokens) * 600n
        expect(Number.isSafeInteger(micros)).toBe(true)
        expect(micros === 0).toBe(promptTokens + completionTokens === 0)
        expect(BigInt(micros) * 1000n >= exactTimes1000 && BigInt(micros - 1) * 1000n < exactTimes1000).toBe(true)
      }),
    )
  })

  test('never decreases with more usage', () => {
    fc.assert(
      fc.property(counts, counts, counts, counts, (a, b, moreA, moreB) => {
        const less = costMicros(price, { promptTokens: a, completionTokens: b })
        expect(costMicros(price, { promptTokens: a + moreA, completionTokens: b + moreB })).toBeGreaterThanOrEqual(less)
      }),
    )
  })

  test.each([
    [-1, 0],
    [0.5, 0],
    [0, Number.NaN],
    [0, Number.MAX_SAFE_INTEGER + 1],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('of %d and %d tokens is a RangeError', (promptTokens, completionTokens) => {
    const dear = { ...price, promptMicrosPer1000: 1_000_000, completionMicrosPer1000: 1_000_000 }
    expect(() => costMicros(dear, { promptTokens, completionTokens })).toThrow(RangeError)
  })
})
