import { expect, test } from 'vitest'
import { scaleOf, toUnits } from '../../src/gedi/exact.ts'

test.each([
  ['none', [], 1],
  ['integers', [1, 0, -3], 1],
  ['halves and quarters', [0.5, 2.25], 100],
  ['a tenth, which has no exact binary form', [0.1, 0.3], 10],
  ['six decimals', [0.000_001], 1_000_000],
  ['the largest safe integer', [2 ** 53 - 1], 1],
])('the scale of %s: %o', (_, values, scale) => {
  expect(scaleOf(values)).toBe(scale)
  expect(values.map((value) => toUnits(value, scale) / scale)).toEqual(values)
})

test.each([
  ['seven decimals', 0.000_000_1],
  ['no safe integer', 2 ** 53],
  ['a half, but too large for its units', 2 ** 52 - 0.5],
  ['not a number', NaN],
  ['infinite', Infinity],
])('there is no scale for a number with %s', (_, value) => {
  expect(scaleOf([1, value])).toBeNull()
})
