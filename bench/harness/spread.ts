/** One figure over several runs. */
export type Spread = { median: number; min: number; max: number }

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return {
    median: ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  }
}

/** The ratio of each run: the competitors of one run met the same conditions. */
export const ratioOf = (ours: readonly number[], theirs: readonly number[]): Spread =>
  spread(ours.map((value, run) => value / (theirs[run] ?? Number.NaN)))

export const rounded = ({ median, min, max }: Spread): string =>
  `${Math.round(median)} (min ${Math.round(min)}, max ${Math.round(max)})`
