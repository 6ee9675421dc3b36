import { createHash } from 'node:crypto'

/** Numbers from 0 (inclusive) to 1 (exclusive), the same for the same seed. Source: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
export function randomNumbers(seed: string): () => number {
  const mask = (1n << 64n) - 1n
  let state = createHash('sha256').update(seed).digest().readBigUInt64BE()
  // Each draw of 64 bits is split in two, because BigInt arithmetic is slow.
  let spare: number | undefined
  return () => {
    if (spare !== undefined) {
      const number = spare
      spare = undefined
      return number
    }
    state = (state + 0x9e3779b97f4a7c15n) & mask
    let mixed = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask
    mixed ^= mixed >> 31n
    spare = Number(mixed & 0xffff_ffffn) / 2 ** 32
    return Number(mixed >> 32n) / 2 ** 32
  }
}

export type Random = () => number

/**
 * A ranking by a judge under the Mallows model, where the true order is 0, 1, 2, …: a ranking with d pairs in the wrong order has a
 * probability in proportion to `noise` ** d. 0 is a perfect judge, 1 a judge that ranks at random. Drawn by repeated insertion.
 * Source: Mallows, Biometrika 44 (1957); Doignon, Pekeč and Regenwetter, Psychometrika 69 (2004).
 */
export function mallowsRanking(candidates: number, noise: number, random: Random): number[] {
  const ranking: number[] = []
  for (let candidate = 0; candidate < candidates; candidate++) {
    // Inserted k places above the last place, the candidate contradicts k pairs.
    let point = random() * geometricSum(noise, candidate + 1)
    let above = 0
    for (let weight = 1; above < candidate && point >= weight; above++) {
      point -= weight
      weight *= noise
    }
    ranking.splice(candidate - above, 0, candidate)
  }
  return ranking
}

/** The probability that a judge ranks the best candidate first: exact, to compare the draws with. */
export const probabilityOfBestFirst = (candidates: number, noise: number): number => 1 / geometricSum(noise, candidates)

/** 1 + noise + noise ** 2 + …, `terms` terms. */
function geometricSum(noise: number, terms: number): number {
  let sum = 0
  for (let term = 0; term < terms; term++) sum += noise ** term
  return sum
}

/** The largest error of a score, of 0 to 100. */
const scoreError = 10

/**
 * The scores that a judge gives by its ranking: evenly spaced from 100 to 0, each with an error of up to 10. Whole numbers from 0 to 100,
 * by candidate.
 */
export function noisyScores(ranking: readonly number[], random: Random): number[] {
  const scores = ranking.map(() => 0)
  ranking.forEach((candidate, place) => {
    const even = ranking.length === 1 ? 100 : 100 * (1 - place / (ranking.length - 1))
    scores[candidate] = Math.round(Math.min(100, Math.max(0, even + (random() * 2 - 1) * scoreError)))
  })
  return scores
}

/**
 * The exact probability that a majority of independent judges is right, each with the same competence; a tie is decided by lot.
 * Source: Condorcet, Essai sur l'application de l'analyse (1785).
 */
export function majorityProbability(judges: number, competence: number): number {
  let probability = 0
  for (let right = 0; right <= judges; right++) {
    const credit = right * 2 > judges ? 1 : right * 2 === judges ? 0.5 : 0
    if (credit > 0) probability += credit * binomial(judges, right, competence)
  }
  return probability
}

/** The probability of exactly `hits` hits. Logarithms keep the factors in range. */
function binomial(trials: number, hits: number, chance: number): number {
  if (chance === 0) return hits === 0 ? 1 : 0
  if (chance === 1) return hits === trials ? 1 : 0
  let logarithm = hits * Math.log(chance) + (trials - hits) * Math.log(1 - chance)
  for (let factor = 1; factor <= hits; factor++) logarithm += Math.log(trials - hits + factor) - Math.log(factor)
  return Math.exp(logarithm)
}
