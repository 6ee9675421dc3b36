/** Chance that can be repeated: the same seed gives the same numbers (mulberry32). */
export type Random = {
  /** A whole number from 0 to below `limit`. */
  below: (limit: number) => number
  between: (least: number, most: number) => number
  pick: <Item>(items: readonly Item[]) => Item
  /** True in so many of a hundred. */
  percent: (share: number) => boolean
}

export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    pick<Item>(items: readonly Item[]): Item {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('there is nothing to pick from')
      return item
    },
    percent: (share) => below(100) < share,
  }
}
