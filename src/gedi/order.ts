/** Groups candidates by their figure, the highest first. Equal figures tie. */
export function orderByTally(tally: readonly number[]): number[][] {
  const groups = Map.groupBy(tally.keys(), (candidate) => tally[candidate] ?? 0)
  return [...groups].toSorted(([a], [b]) => b - a).map(([, group]) => group)
}

/**
 * Orders candidates by repeated choice: the first group is chosen from all of them, the second from the rest, and so on.
 * `choose` returns at least one of the candidates that it is given.
 */
export function orderByChoice(count: number, choose: (from: readonly number[]) => readonly number[]): number[][] {
  const order: number[][] = []
  let rest = Array.from({ length: count }, (_, candidate) => candidate)
  while (rest.length > 0) {
    const chosen = choose(rest)
    if (chosen.length === 0) throw new Error('a voting rule chose no candidate')
    order.push([...chosen])
    rest = rest.filter((candidate) => !chosen.includes(candidate))
  }
  return order
}

/** The order of one ranking. Candidates that it omits tie at the end. */
export function orderOfRanking(ranking: readonly number[], count: number): number[][] {
  const omitted = Array.from({ length: count }, (_, candidate) => candidate).filter((one) => !ranking.includes(one))
  return [...ranking.map((candidate) => [candidate]), ...(omitted.length > 0 ? [omitted] : [])]
}

/** For each candidate, the number of candidates below its group. */
export function placesBelow(order: readonly (readonly number[])[], count: number): number[] {
  const places = Array.from({ length: count }, () => 0)
  let below = count
  for (const group of order) {
    below -= group.length
    for (const candidate of group) places[candidate] = below
  }
  return places
}
