import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import type { MethodName } from '../../src/gedi/election.ts'

/** 1,000 random profiles with winners from pref_voting 1.18 (MIT), an independent library in Python. */
type Vector = {
  id: number
  candidates: number[]
  ballots: number[][]
  plurality_scores: Record<string, number>
  borda_scores: Record<string, number>
  winners: Record<string, number[] | null>
}
const vectors = readFileSync('tests/vectors/gedi.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)

const keyOf: Partial<Record<MethodName, string>> = {
  plurality: 'plurality',
  borda: 'borda_count',
  bucklin: 'bucklin',
  irv: 'irv',
  minimax: 'minimax',
  ranked_pairs: 'ranked_pairs_put',
  schulze: 'schulze',
}

describe('on the profiles of pref_voting', () => {
  test.each(Object.entries(keyOf))('%s elects the same winners', (method, key) => {
    const differing = vectors
      .filter(({ winners }) => winners[key] !== null)
      .filter((vector) => {
        const { winners } = count(method as MethodName, vector)
        return JSON.stringify(winners) !== JSON.stringify(vector.winners[key]?.toSorted((a, b) => a - b))
      })
    expect(differing.map(({ id }) => id)).toEqual([])
    expect(vectors.filter(({ winners }) => winners[key] !== null).length).toBeGreaterThan(500)
  })

  test.each([
    ['plurality', 'plurality_scores'],
    ['borda', 'borda_scores'],
  ] as const)('%s gives the same tally', (method, key) => {
    expect(vectors.map((vector) => count(method, vector).tally)).toEqual(vectors.map((vector) => vector[key]))
  })
})
