import { expect, test } from 'vitest'
import { count } from '../../src/gedi/count.ts'
import { methodNames, type MethodName } from '../../src/gedi/election.ts'

/** Points and places in the weights of the ballots, or numbers of candidates, as docs/gedi.md says of each method. */
const tallies: Record<Exclude<MethodName, 'range'>, Record<string, number>> = {
  plurality: { a: 0.5, b: 1.25, c: 0 },
  borda: { a: 2.25, b: 2.5, c: 0.5 },
  bucklin: { a: 0.5, b: 1.25, c: 0 },
  irv: { a: 0.5, b: 1.25, c: 0 },
  minimax: { a: -0.75, b: 0, c: -1.75 },
  ranked_pairs: { a: 1, b: 2, c: 0 },
  schulze: { a: 1, b: 2, c: 0 },
  approval: { a: 1.75, b: 1.75, c: 1.75 },
  blind_dictator: { a: 2, b: 0, c: 1 },
  informed_dictator: { a: 0, b: 1, c: 2 },
  random: { a: 1, b: 0, c: 2 },
}

test.each(methodNames.filter((method) => method !== 'range'))('%s gives its tally in its unit', (method) => {
  const ballots = ['acb', 'bac'].map((ballot) => ballot.split(''))
  const election = { candidates: ['a', 'b', 'c'], ballots, weights: [0.5, 1.25], seed: 'x', dictator: ['c', 'b', 'a'] }
  expect(count(method, election).tally).toEqual(tallies[method])
})
