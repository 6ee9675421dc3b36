import { describe, expect, test } from 'vitest'
import { judgedBy, electsBest } from '../../bench/gedi/elections.ts'
import {
  majorityProbability,
  mallowsRanking,
  noisyScores,
  probabilityOfBestFirst,
  randomNumbers,
} from '../../bench/gedi/judges.ts'
import { inWords, wilson } from '../../bench/harness/confidence.ts'

const draws = 20_000

describe('random numbers', () => {
  test('are the same for the same seed, and others for another', () => {
    const take = (seed: string) => Array.from({ length: 50 }, randomNumbers(seed))
    expect(take('a')).toEqual(take('a'))
    expect(new Set([...take('a'), ...take('b')]).size).toBe(100)
  })

  test('are spread evenly from 0 to 1', () => {
    const random = randomNumbers('spread')
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let draw = 0; draw < draws; draw++) {
      const tenth = Math.floor(random() * 10)
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    // Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand.
    const expected = draws / 10
    expect(tenths.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)).toBeLessThan(27.9)
  })
})

describe('a judge under the Mallows model', () => {
  test('without noise knows the true order', () => {
    expect(mallowsRanking(5, 0, randomNumbers('perfect'))).toEqual([0, 1, 2, 3, 4])
  })

  test.each([0.3, 0.7, 1])(
    'draws each ranking as often as its distance from the truth says, with noise %s',
    (noise) => {
      const random = randomNumbers(`mallows ${noise}`)
      const seen = new Map<string, number>()
      for (let draw = 0; draw < draws; draw++) {
        const ranking = mallowsRanking(3, noise, random).join('')
        seen.set(ranking, (seen.get(ranking) ?? 0) + 1)
      }
      const distances = { '012': 0, '021': 1, '102': 1, '120': 2, '201': 2, '210': 3 }
      const total = Object.values(distances).reduce((sum, distance) => sum + noise ** distance, 0)
      const chiSquared = Object.entries(distances).reduce((sum, [ranking, distance]) => {
        const expected = (draws * noise ** distance) / total
        return sum + ((seen.get(ranking) ?? 0) - expected) ** 2 / expected
      }, 0)
      // With 5 degrees of freedom, once in a thousand.
      expect(chiSquared).toBeLessThan(20.5)
    },
  )

  test('ranks the best candidate first with the exact probability', () => {
    expect(probabilityOfBestFirst(5, 1)).toBeCloseTo(1 / 5)
    expect(probabilityOfBestFirst(5, 0)).toBe(1)
    expect(probabilityOfBestFirst(3, 0.5)).toBeCloseTo(1 / 1.75)
  })

  test('scores candidates by its ranking, within the scale and the error', () => {
    const random = randomNumbers('scores')
    for (let draw = 0; draw < 200; draw++) {
      const scores = noisyScores([2, 0, 1], random)
      expect(scores.every((score) => Number.isInteger(score) && score >= 0 && score <= 100)).toBe(true)
      expect(Math.abs((scores[0] ?? 0) - 50)).toBeLessThanOrEqual(10)
      expect(scores[2]).toBeGreaterThanOrEqual(90)
    }
  })
})

describe('the exact probability of a majority', () => {
  test('is that of known cases', () => {
    expect(majorityProbability(1, 0.6)).toBeCloseTo(0.6, 12)
    expect(majorityProbability(3, 0.6)).toBeCloseTo(0.6 ** 3 + 3 * 0.6 ** 2 * 0.4, 12)
    expect(majorityProbability(2, 0.6)).toBeCloseTo(0.6, 12)
    expect(majorityProbability(101, 0.5)).toBeCloseTo(0.5, 12)
    expect(majorityProbability(5, 1)).toBe(1)
    expect(majorityProbability(5, 0)).toBe(0)
  })

  test('grows towards 1 with the number of competent judges, and falls with that of others', () => {
    const of = (competence: number) => [1, 3, 11, 101, 1001].map((judges) => majorityProbability(judges, competence))
    expect(of(0.55)).toEqual(of(0.55).toSorted((a, b) => a - b))
    expect(of(0.55).at(-1)).toBeGreaterThan(0.999)
    expect(of(0.45)).toEqual(of(0.45).toSorted((a, b) => b - a))
    expect(of(0.45).at(-1)).toBeLessThan(0.001)
  })
})

describe('an election of judges', () => {
  test('elects the best candidate if all judges are perfect, and the informed dictator is always right', () => {
    const random = randomNumbers('elections')
    const perfect = judgedBy([0, 0, 0], 4, random)
    for (const method of ['plurality', 'borda', 'ranked_pairs', 'range', 'blind_dictator'] as const)
      expect(electsBest(method, perfect, random)).toBe(true)
    expect(electsBest('informed_dictator', judgedBy([1, 1, 1], 4, random), random)).toBe(true)
  })

  test('elects a wrong candidate if most judges prefer it', () => {
    const election = { ...judgedBy([0], 2, randomNumbers('wrong')) }
    const ballots = {
      ...election.ballots,
      ranking: [
        [1, 0],
        [1, 0],
        [0, 1],
      ],
    }
    expect(electsBest('plurality', { ...election, ballots }, randomNumbers('lot'))).toBe(false)
  })
})

describe('a confidence interval', () => {
  test('is that of published examples', () => {
    // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    expect(wilson(81, 263)).toMatchObject({ low: expect.closeTo(0.2553, 4), high: expect.closeTo(0.3662, 4) })
    expect(wilson(15, 148)).toMatchObject({ low: expect.closeTo(0.0624, 4), high: expect.closeTo(0.1605, 4) })
    expect(wilson(0, 20)).toMatchObject({ low: 0, high: expect.closeTo(0.1611, 4) })
    expect(wilson(1, 29)).toMatchObject({ low: expect.closeTo(0.0061, 4), high: expect.closeTo(0.1718, 4) })
  })

  test('says that no trial tells nothing, and refuses more hits than trials', () => {
    expect(wilson(0, 0)).toMatchObject({ low: 0, high: 1 })
    expect(() => wilson(3, 2)).toThrow('3 of 2 is no share')
    expect(inWords(wilson(1, 2))).toBe('0.500 (0.095 to 0.905)')
  })
})
