/** 1.96 standard errors to each side: 95 %. */
const z = 1.96

/** A share with its 95 % confidence interval. */
export type Share = { hits: number; of: number; share: number; low: number; high: number }

/**
 * The score interval of a share, which also holds for few trials and for shares near 0 or 1. Zero trials tell nothing: 0 to 1.
 * Source: Wilson, Journal of the American Statistical Association 22 (1927).
 */
export function wilson(hits: number, of: number): Share {
  if (!Number.isInteger(hits) || !Number.isInteger(of) || hits < 0 || hits > of)
    throw new RangeError(`${hits} of ${of} is no share`)
  if (of === 0) return { hits, of, share: Number.NaN, low: 0, high: 1 }
  const share = hits / of
  const middle = (share + z ** 2 / (2 * of)) / (1 + z ** 2 / of)
  const half = (z / (1 + z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2))
  return { hits, of, share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** "0.52 (0.48 to 0.56)". */
export const inWords = ({ share, low, high }: Share): string =>
  `${share.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`
