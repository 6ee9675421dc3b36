import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costMicros, parsePrices } from '../../../src/agents/models/prices.ts'

const entry = (fields: object = {}) => ({
  name: 'some',
  models: [],
  promptMicrosPer1000: 150,
  completionMicrosPer1000: 600,
  ...fields,
})
const file = (fields: object = {}) => ({
  default: entry({ name: 'default', promptMicrosPer1000: 1000 }),
  prices: [entry({ models: ['Some-Model', 'alias'] })],
  ...fields,
})
const price = parsePrices(file()).of('some-model')

describe('the price of a model', () => {
  test('is found by any of its names, in any case, and carries its reference', () => {
    expect(price).toEqual({ priceRef: 'some@150/600', promptMicrosPer1000: 150, completionMicrosPer1000: 600 })
    expect(parsePrices(file()).of('ALIAS')).toEqual(price)
  })

  test('is the default for a model that is not listed', () => {
    expect(parsePrices(file()).of('unheard-of').priceRef).toBe('default@1000/600')
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
    ['has no default', { default: undefined }, 'default'],
  ])('is rejected when it %s, with the name of the field', (_, fields, words) => {
    expect(() => parsePrices(file(fields))).toThrow(words)
  })

  test('is listed for the embedded model in the price file of the repository', () => {
    const shipped = parsePrices(JSON.parse(readFileSync('config/prices.json', 'utf8')))
    expect(shipped.of('SmolLM2-135M-Instruct')).toEqual(shipped.of('smollm2'))
    expect(shipped.of('smollm2').priceRef).toMatch(/^smollm2@\d+\/\d+$/)
    expect(shipped.of('anything else').priceRef).toMatch(/^default@/)
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
