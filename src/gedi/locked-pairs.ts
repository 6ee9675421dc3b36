import type { Pair } from './pairwise.ts'

/** The pairs that are locked in, and all that follow from them. Immutable. */
export type Locked = {
  isAbove: (a: number, b: number) => boolean
  isBelowAny: (candidate: number) => boolean
  /** Locks one more pair, which must not contradict those that are locked. */
  with: (pair: Pair) => Locked
  /**
   * Locks those pairs of one margin that every order locks: they lie on no cycle of the pairs that are locked or may be. Returns the
   * others that may still be locked; their order matters.
   */
  withCertain: (level: readonly Pair[]) => { locked: Locked; tied: readonly Pair[] }
  /** Equal for equal relations. */
  key: () => string
}

/** `below`: for each candidate that is above another, the set of all candidates below it, as bits. */
export function lockedPairs(below: ReadonlyMap<number, bigint> = new Map()): Locked {
  const belowOf = (candidate: number): bigint => below.get(candidate) ?? 0n
  const isAbove = (a: number, b: number): boolean => (belowOf(a) & bit(b)) !== 0n
  const withPair = ({ winner, loser }: Pair): Locked => {
    const added = bit(loser) | belowOf(loser)
    const next = new Map(below)
    next.set(winner, belowOf(winner) | added)
    for (const [candidate, set] of below) if ((set & bit(winner)) !== 0n) next.set(candidate, set | added)
    return lockedPairs(next)
  }
  return {
    isAbove,
    isBelowAny: (candidate) => [...below.values()].some((set) => (set & bit(candidate)) !== 0n),
    with: withPair,
    withCertain(level) {
      const undecided = level.filter(({ winner, loser }) => !isAbove(winner, loser) && !isAbove(loser, winner))
      const reaches = reachabilityOf(below, undecided)
      const [certain, tied] = partition(undecided, ({ winner, loser }) => !reaches(loser, winner))
      let locked = lockedPairs(below)
      for (const pair of certain) locked = locked.with(pair)
      return { locked, tied }
    },
    key: () =>
      [...below]
        .toSorted(([a], [b]) => a - b)
        .map(([candidate, set]) => `${candidate}:${set.toString(36)}`)
        .join(),
  }
}

const bit = (candidate: number): bigint => 1n << BigInt(candidate)

/** Whether one candidate leads to another over pairs that are locked or may be. */
function reachabilityOf(below: ReadonlyMap<number, bigint>, pairs: readonly Pair[]): (a: number, b: number) => boolean {
  const reach = new Map(below)
  const reachOf = (candidate: number): bigint => reach.get(candidate) ?? 0n
  for (const { winner, loser } of pairs) reach.set(winner, reachOf(winner) | bit(loser))
  for (const via of [...reach.keys()])
    for (const [candidate, set] of reach) if ((set & bit(via)) !== 0n) reach.set(candidate, set | reachOf(via))
  return (a, b) => (reachOf(a) & bit(b)) !== 0n
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}
