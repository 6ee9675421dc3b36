/** Random values from a seed: the same seed gives the same values in the same order. */
export type Random = {
  /** At least 0 and below 1. */
  next: () => number
  /** An integer of at least 0 and below `n`. */
  below: (n: number) => number
  happens: (probability: number) => boolean
  pick: <T>(list: readonly [T, ...T[]]) => T
}

/** Mulberry32: 32 bits of state are plenty for one run. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    below,
    happens: (probability) => next() < probability,
    pick: (list) => list[below(list.length)] ?? list[0],
  }
}
