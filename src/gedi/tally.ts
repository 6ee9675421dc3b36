import type { Profile } from './profile.ts'

/** Gives points of one ballot to a candidate. They count as often as the ballot weighs. */
export type Give = (candidate: number, points: number) => void

/** Adds up the points that each ballot gives. */
export function tallyOf(
  { candidates, groups }: Profile,
  pointsOf: (ballot: readonly number[], give: Give) => void,
): number[] {
  const tally = candidates.map(() => 0)
  for (const { ballot, weight } of groups)
    pointsOf(ballot, (candidate, points) => {
      tally[candidate] = (tally[candidate] ?? 0) + points * weight
    })
  return tally
}

/** The tally of first places among some of the candidates. */
export function firstPlaces(profile: Profile, among: ReadonlySet<number>): number[] {
  return tallyOf(profile, (ballot, give) => {
    const first = ballot.find((candidate) => among.has(candidate))
    if (first !== undefined) give(first, 1)
  })
}
