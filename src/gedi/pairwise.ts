import type { Profile } from './profile.ts'

/** `margin(a, b)`: the weight of the ballots that prefer a to b, less the weight of those that prefer b to a. */
export type Margins = (a: number, b: number) => number

/** Compares all pairs. A ballot expresses no preference about a candidate that it omits. */
export function marginsOf({ candidates, groups }: Profile): Margins {
  const size = candidates.length
  const preferred = new Float64Array(size * size)
  for (const { ballot, weight } of groups)
    for (let better = 0; better < ballot.length; better++) {
      const row = (ballot[better] ?? 0) * size
      for (let worse = better + 1; worse < ballot.length; worse++) {
        const cell = row + (ballot[worse] ?? 0)
        preferred[cell] = (preferred[cell] ?? 0) + weight
      }
    }
  return (a, b) => (preferred[a * size + b] ?? 0) - (preferred[b * size + a] ?? 0)
}

/** The candidate that beats every other one in pairs, if there is one. */
export const condorcetWinnerOf = (size: number, margin: Margins): number | undefined => {
  const all = Array.from({ length: size }, (_, candidate) => candidate)
  return all.find((a) => all.every((b) => a === b || margin(a, b) > 0))
}

export type Pair = { winner: number; loser: number; margin: number }

/** The pairs with a majority among some candidates, the largest margin first. */
export function majoritiesOf(among: readonly number[], margin: Margins): Pair[] {
  return among
    .flatMap((winner) => among.map((loser) => ({ winner, loser, margin: margin(winner, loser) })))
    .filter((pair) => pair.margin > 0)
    .toSorted((a, b) => b.margin - a.margin)
}

/** `strength(a, b)`: the largest weakest margin of all paths of majorities from a to b, by Floyd and Warshall's algorithm; 0: no path. */
export function strongestPaths(among: readonly number[], margin: Margins): Margins {
  const size = Math.max(...among) + 1
  const strength = new Float64Array(size * size)
  const of: Margins = (a, b) => strength[a * size + b] ?? 0
  for (const a of among) for (const b of among) strength[a * size + b] = Math.max(0, margin(a, b))
  for (const via of among)
    for (const from of among)
      for (const to of among)
        if (from !== to) strength[from * size + to] = Math.max(of(from, to), Math.min(of(from, via), of(via, to)))
  return of
}
