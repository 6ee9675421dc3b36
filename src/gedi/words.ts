import type { Profile } from './profile.ts'

/** Names candidates and figures in a trace. */
export type Words = {
  name: (candidate: number) => string
  /** "A", "A and B", "A, B and C". */
  list: (candidates: readonly number[]) => string
  /** A sum of weights as the number that people expect. */
  amount: (sum: number) => string
  /** "A 3, B 2, C 0", the highest first. */
  figures: (tally: readonly number[], among?: readonly number[]) => string
  /** "A has <most>" or "A and B tie: each has <most>". */
  leaders: (winners: readonly number[] | undefined, most: string) => string
}

export function wordsOf({ candidates, unit }: Pick<Profile, 'candidates' | 'unit'>): Words {
  const name = (candidate: number): string => String(candidates[candidate])
  const amount = (sum: number): string => String(sum / unit)
  const list = (some: readonly number[]): string =>
    some.length < 2
      ? some.map(name).join('')
      : `${some.slice(0, -1).map(name).join(', ')} and ${name(some.at(-1) ?? 0)}`
  return {
    name,
    amount,
    list,
    figures: (tally, among = [...tally.keys()]) =>
      among
        .toSorted((a, b) => (tally[b] ?? 0) - (tally[a] ?? 0) || a - b)
        .map((candidate) => `${name(candidate)} ${amount(tally[candidate] ?? 0)}`)
        .join(', '),
    leaders: (winners = [], most) =>
      winners.length === 1 ? `${list(winners)} has ${most}` : `${list(winners)} tie: each has ${most}`,
  }
}
