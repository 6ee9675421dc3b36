import { describe, expect, test } from 'vitest'
import { lockedPairs, type Locked } from '../../src/gedi/locked-pairs.ts'
import type { Pair } from '../../src/gedi/pairwise.ts'

/** The pairs of "ab bc": a above b, b above c. Letters are candidates. */
const pairs = (text: string): Pair[] =>
  text
    .split(' ')
    .filter((pair) => pair !== '')
    .map((pair) => ({ winner: indexOf(pair, 0), loser: indexOf(pair, 1), margin: 1 }))
const indexOf = (text: string, at: number) => text.charCodeAt(at) - 97
const letters = (some: readonly Pair[]) =>
  some.map(({ winner, loser }) => String.fromCharCode(97 + winner, 97 + loser)).join(' ')
const locking = (text: string): Locked => pairs(text).reduce((locked, pair) => locked.with(pair), lockedPairs())
const relation = ({ isAbove }: Locked) =>
  letters(
    Array.from({ length: 36 }, (_, cell) => ({ winner: Math.floor(cell / 6), loser: cell % 6, margin: 1 })).filter(
      ({ winner, loser }) => isAbove(winner, loser),
    ),
  )

describe('locked pairs', () => {
  test.each([
    ['', ''],
    ['ab', 'ab'],
    ['ab bc', 'ab ac bc'],
    ['bc ab', 'ab ac bc'],
    ['cd ab bc', 'ab ac ad bc bd cd'],
    ['ab cd', 'ab cd'],
  ])('"%s" put above each other: "%s"', (locked, above) => {
    expect(relation(locking(locked))).toBe(above)
  })

  test('know who is below another', () => {
    const locked = locking('ab bc')
    expect([0, 1, 2, 3].map((candidate) => locked.isBelowAny(candidate))).toEqual([false, true, true, false])
  })

  test('do not change when another one is added', () => {
    const before = locking('ab')
    before.with({ winner: 1, loser: 2, margin: 1 })
    before.withCertain(pairs('bc'))
    expect(relation(before)).toBe('ab')
  })

  test('have one key, in whatever order they were locked, and another key for another relation', () => {
    expect(locking('bc ab').key()).toBe(locking('ab ac bc').key())
    expect(locking('cd ab ef').key()).toBe(locking('ef cd ab').key())
    const keys = ['', 'ab', 'ba', 'ac', 'ab cd', 'ab ac', 'ab bc'].map((text) => locking(text).key())
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('of the pairs with one margin', () => {
  test.each([
    ['a chain is certain', '', 'ab bc', 'ab ac bc', ''],
    ['a circle is tied', '', 'ab bc ca', '', 'ab bc ca'],
    ['those that lead to a circle or out of it are certain', '', 'da ab bc ca ce', 'da ce', 'ab bc ca'],
    ['those are tied that close a circle with locked ones', 'ab', 'bc ca', 'ab', 'bc ca'],
    ['a longer circle is tied', '', 'ef ab fa be', '', 'ef ab fa be'],
    ['those are left out that contradict locked ones', 'ab bc', 'ca de', 'ab ac bc de', ''],
    ['those are left out that follow from locked ones', 'ab bc', 'ac', 'ab ac bc', ''],
    ['one that contradicts a locked one closes no circle', 'ab bc', 'ca cd db', 'ab ac bc', 'cd db'],
    ['one that contradicts a locked one makes no other one uncertain', 'ab', 'ba bc', 'ab ac bc', ''],
  ])('%s', (_, locked, level, above, tied) => {
    const result = locking(locked).withCertain(pairs(level))
    expect({ above: relation(result.locked), tied: letters(result.tied) }).toEqual({ above: sorted(above), tied })
  })
})

const sorted = (text: string): string => text.split(' ').toSorted().join(' ')
