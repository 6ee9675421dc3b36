import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Borda, Copeland, FirstPastThePost, InstantRunoff, Minimax } from 'votes'
import { condorcetWinnerOf, marginsOf } from '../../src/gedi/pairwise.ts'
import { count } from '../../src/gedi/count.ts'
import { readProfile } from '../../src/gedi/profile.ts'

const profiles = fc.integer({ min: 2, max: 6 }).chain((size) => {
  const candidates = 'abcdef'.slice(0, size).split('')
  return fc.record({
    candidates: fc.constant(candidates),
    ballots: fc.array(fc.shuffledSubarray(candidates, { minLength: size }), { minLength: 1, maxLength: 15 }),
  })
})
type Profile = { candidates: string[]; ballots: string[][] }

/** The input of the package `votes` (MIT), which was written independently of this project. */
const input = ({ candidates, ballots }: Profile) => ({
  candidates,
  ballots: ballots.map((ranking) => ({ ranking: ranking.map((candidate) => [candidate]), weight: 1 })),
})

const matrix = (profile: Profile) => new Borda(input(profile)).matrix

test.each([
  ['plurality', (profile: Profile) => new FirstPastThePost(input(profile))],
  ['borda', (profile: Profile) => new Borda(input(profile))],
  ['irv', (profile: Profile) => new InstantRunoff(input(profile))],
  ['minimax', (profile: Profile) => new Minimax(matrix(profile))],
] as const)('%s elects the same winners as an independent library', (method, other) => {
  fc.assert(
    fc.property(profiles, (profile) => {
      const [winners = []] = other(profile).ranking()
      expect(count(method, profile).winners).toEqual(winners.toSorted())
    }),
    { numRuns: fc.readConfigureGlobal()?.numRuns ?? 500 },
  )
})

test('finds the Condorcet winner that an independent library finds', () => {
  fc.assert(
    fc.property(profiles, (given) => {
      const { profile } = readProfile('ranking', given)
      const winner = condorcetWinnerOf(given.candidates.length, marginsOf(profile))
      fc.pre(winner !== undefined)
      expect(new Copeland(matrix(given)).ranking()[0]).toEqual([given.candidates[winner ?? 0]])
    }),
  )
})
