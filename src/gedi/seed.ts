import { createHash } from 'node:crypto'
import { GediError } from './election.ts'

/**
 * Numbers from a seed, from 0 (inclusive) to 1 (exclusive). The same seed and purpose give the same numbers on every machine, so
 * that an auditor can repeat the draw. An election records its seed before the first ballot.
 */
export function* seededNumbers(seed: string, purpose: string): Generator<number, never> {
  for (let draw = 0; ; draw++)
    yield createHash('sha256').update(`${seed}\n${purpose}\n${draw}`).digest().readUIntBE(0, 6) / 2 ** 48
}

/** A random permutation (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], seed: string, purpose: string): T[] {
  const numbers = seededNumbers(seed, purpose)
  const rest = [...items]
  return items.flatMap(() => rest.splice(Math.floor(numbers.next().value * rest.length), 1))
}

/** One of several winners, by the seed of the election. */
export function breakTie<T>(winners: readonly T[], seed: string): T | undefined {
  return shuffled(winners, seed, 'tie-break')[0]
}

export function requireSeed(seed: string | undefined): string {
  if (seed === undefined)
    throw new GediError('seed_missing', 'this method draws by lot and needs the seed of the election')
  return seed
}
