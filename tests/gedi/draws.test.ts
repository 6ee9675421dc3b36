import { describe, expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import { breakTie, requireSeed, seededNumbers, shuffled } from '../../src/gedi/seed.ts'

/** The expected draws come from `printf '<seed>\n<purpose>\n<number>' | sha256sum`: its first 12 digits, divided by 2^48. */
describe('a draw that anyone can repeat', () => {
  test('has its numbers from SHA-256 of seed, purpose and the number of the draw', () => {
    expect(seededNumbers('x', 'random').take(3).toArray()).toEqual(
      [0xe219d31b6ee9, 0x50f34483142f, 0x2d93c35cd6b0].map((digits) => digits / 2 ** 48),
    )
    expect(seededNumbers('x', 'tie-break').next().value).toBe(0x8235ff39efd8 / 2 ** 48)
  })

  test('takes each item of a shuffled list from those that are left', () => {
    expect(shuffled(['a', 'b', 'c', 'd', 'e', 'f'], 'x', 'random')).toEqual(['f', 'b', 'a', 'e', 'd', 'c'])
    expect(shuffled([], 'x', 'random')).toEqual([])
  })

  test('breaks a tie with numbers of its own', () => {
    expect(['x', 'y', 'z'].map((seed) => breakTie(['a', 'b', 'c'], seed))).toEqual(['b', 'a', 'b'])
  })

  test('orders all candidates under random', () => {
    const outcome = count('random', { candidates: ['a', 'b', 'c', 'd', 'e', 'f'], ballots: [], seed: 'x' })
    expect(outcome.order).toEqual([['f'], ['b'], ['a'], ['e'], ['d'], ['c']])
    expect(outcome.tally).toEqual({ f: 5, b: 4, a: 3, e: 2, d: 1, c: 0 })
  })
})

test('a draw without a seed is refused with the reason', () => {
  expect(() => requireSeed(undefined)).toThrow('this method draws by lot and needs the seed of the election')
  expect(requireSeed('')).toBe('')
})

describe('the ballot that blind_dictator draws', () => {
  const orderDrawn = (seed: string, weights: Record<string, number>) => {
    const ballots = Object.keys(weights).map((ranking) => ranking.split(''))
    const { order } = count('blind_dictator', {
      candidates: ['a', 'b', 'c'],
      ballots,
      weights: Object.values(weights),
      seed,
    })
    return order.map((group) => group.join('')).join('>')
  }

  // The seeds x, y and z draw 0.17, 0.267 and 0.318.
  test.each([
    ['x', 'a>b>c'],
    ['y', 'b>a>c'],
    ['z', 'c>b>a'],
  ])('with the seed %s lies at its point of the sorted ballots', (seed, order) => {
    expect(orderDrawn(seed, { cba: 7, bac: 1, abc: 2 })).toBe(order)
  })

  test('sorts a ballot before those that continue it', () => {
    expect(orderDrawn('x', { ba: 5, b: 2, cab: 3 })).toBe('b>ac')
    expect(orderDrawn('x', { b: 2, cab: 3, ba: 5 })).toBe('b>ac')
  })

  test('has a share that begins at its first point and ends before its last', () => {
    // This seed draws exactly the point at which the first of these shares ends and the second begins.
    const first = 26_089_506_086_464
    expect(seededNumbers('seed 43', 'blind_dictator').next().value * 2 ** 46).toBe(first)
    expect(orderDrawn('seed 43', { abc: first, bca: 2 ** 46 - first })).toBe('b>c>a')
  })

  test('leaves the candidates tied at the end that it omits', () => {
    expect(orderDrawn('x', { b: 1 })).toBe('b>ac')
  })
})
