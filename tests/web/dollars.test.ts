import { expect, test } from 'vitest'
import { dollars, roundDollars } from '../../web/shell/money.ts'

test.each([
  [0, '$0'],
  [9, '$0.000009'],
  [10_000, '$0.01'],
  [399_999_427, '$399.999427'],
  [400_000_000, '$400.00'],
  [-400_000_000, '−$400.00'],
  [1_234_567_890_000, '$1,234,567.89'],
])('%i micro-dollars read as %s: no amount is rounded', (micros, text) => expect(dollars(micros)).toBe(text))

test.each([
  [0, '$0'],
  [1_234, '$0.0012'],
  [99_500, '$0.10'],
  [8_104_321, '$8.10'],
])('%i micro-dollars are about %s', (micros, text) => expect(roundDollars(micros)).toBe(text))
