import { expect, test } from 'vitest'
import { orderByChoice, orderByTally, orderOfRanking, placesBelow } from '../../src/gedi/order.ts'

test('equal figures tie, and the highest come first', () => {
  expect(orderByTally([3, 10, 3, -1])).toEqual([[1], [0, 2], [3]])
})

test('repeated choice orders all candidates', () => {
  expect(orderByChoice(5, (from) => from.filter((one) => one % 2 === (from.length > 3 ? 1 : 0)))).toEqual([
    [1, 3],
    [0, 2, 4],
  ])
  expect(orderByChoice(0, () => [])).toEqual([])
})

test('a rule that chooses no candidate is a broken promise', () => {
  expect(() => orderByChoice(2, () => [])).toThrow('a voting rule chose no candidate')
})

test('candidates that a ranking omits tie at the end', () => {
  expect(orderOfRanking([2, 0], 4)).toEqual([[2], [0], [1, 3]])
  expect(orderOfRanking([1, 0], 2)).toEqual([[1], [0]])
})

test('the candidates below a group are those of all later groups', () => {
  expect(placesBelow([[2], [0, 3], [1]], 4)).toEqual([1, 0, 3, 1])
})
