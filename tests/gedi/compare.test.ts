import { expect, test } from 'vitest'
import { compareMethods } from '../../src/gedi/compare.ts'
import { methodNames } from '../../src/gedi/election.ts'

const tennessee = {
  candidates: ['M', 'N', 'C', 'K'],
  ballots: ['MNCK', 'NCKM', 'CKNM', 'KCNM'].map((ballot) => ballot.split('')),
  weights: [42, 26, 15, 17],
}

test('shows who would have won under each method, and why the results differ', () => {
  const { methods, condorcetWinner, reason } = compareMethods({ ...tennessee, seed: 'x' })
  expect(methods.map(({ method }) => method)).toEqual(methodNames)
  const winners = Object.fromEntries(methods.map((one) => [one.method, one.counted ? one.winners.join() : one.code]))
  expect(winners).toMatchObject({
    plurality: 'M',
    borda: 'N',
    irv: 'K',
    ranked_pairs: 'N',
    range: 'N',
    approval: 'N',
    informed_dictator: 'dictator_missing',
  })
  expect(methods[0]?.why).toBe('M has the most first places, 42 of 100')
  expect(condorcetWinner).toBe('N')
  expect(reason).toBe(
    'N beats every other candidate in pairs (M most narrowly, by 16); a method that counts places or draws lots may elect another',
  )
})

test('counts incomplete rankings under the methods that accept them', () => {
  const { methods, condorcetWinner } = compareMethods({
    candidates: ['a', 'b', 'c'],
    ballots: [
      ['b', 'c'],
      ['c', 'a'],
      ['b', 'a'],
    ],
    seed: 'x',
  })
  const counted = methods.filter((one) => one.counted).map(({ method }) => method)
  expect(counted).toEqual(['minimax', 'ranked_pairs', 'schulze', 'approval', 'blind_dictator', 'random'])
  expect(methods.find(({ method }) => method === 'borda')).toMatchObject({ counted: false, code: 'incomplete_ballots' })
  expect(condorcetWinner).toBe('b')
})

test('names a cycle, and the absence of any majority', () => {
  const cycle = compareMethods({
    candidates: ['a', 'b', 'c'],
    ballots: [
      ['a', 'b', 'c'],
      ['b', 'c', 'a'],
      ['c', 'a', 'b'],
    ],
    seed: 'x',
  })
  expect(cycle).toMatchObject({ condorcetWinner: null })
  expect(cycle.reason).toContain('no candidate beats every other one in pairs')
  const tie = compareMethods({
    candidates: ['a', 'b'],
    ballots: [
      ['a', 'b'],
      ['b', 'a'],
    ],
    seed: 'x',
  })
  expect(tie.reason).toBe('no candidate beats another in pairs')
})

test('gives no reason where all methods agree', () => {
  const { methods, reason } = compareMethods({
    candidates: ['a', 'b'],
    ballots: [['a', 'b']],
    dictator: ['a', 'b'],
    seed: 'seed 1',
  })
  const winners = new Set(methods.map((one) => (one.counted ? one.winners.join() : one.code)))
  expect(reason === null).toBe(winners.size === 1)
})

test('gives no reason where those methods agree that can count, and the others cannot', () => {
  const { methods, reason } = compareMethods({ candidates: ['a'], ballots: [['a']], seed: 'x' })
  expect(methods.filter((one) => !one.counted)).toEqual([
    {
      method: 'informed_dictator',
      counted: false,
      code: 'dictator_missing',
      why: 'this method needs the ranking of the member that decides',
    },
  ])
  expect(reason).toBeNull()
})

test('names the narrowest defeat by the Condorcet winner, however narrow the defeats among the others', () => {
  const { reason } = compareMethods({
    candidates: ['a', 'b', 'c'],
    ballots: [
      ['a', 'b', 'c'],
      ['a', 'c', 'b'],
    ],
    weights: [3, 2],
    seed: 'y',
    dictator: ['b'],
  })
  expect(reason).toContain('a beats every other candidate in pairs (c most narrowly, by 5)')
})

test('counts the upper half of a ranking as approved, and its places as points of range', () => {
  const { methods } = compareMethods({
    ...tennessee,
    ballots: [...tennessee.ballots, null],
    weights: [42, 26, 15, 17, 9],
  })
  const whyOf = (name: string) => methods.find(({ method }) => method === name)?.why
  expect(whyOf('approval')).toBe('N has the most approvals, 68 of 100')
  expect(whyOf('range')).toBe('N has the highest sum of scores, 194')
  const odd = compareMethods({ candidates: ['a', 'b', 'c'], ballots: [['a', 'b', 'c']] })
  expect(odd.methods.find(({ method }) => method === 'approval')).toMatchObject({ order: [['a', 'b'], ['c']] })
})
