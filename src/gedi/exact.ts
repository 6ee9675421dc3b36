/** Exact sums of decimal numbers: each is scaled to an integer, so that the order of addition does not matter. */

const maxDecimals = 6

/** The smallest power of ten that makes all numbers integers; null if one has more than six decimals or is not a safe number. */
export function scaleOf(values: readonly number[]): number | null {
  let scale = 1
  for (const value of values)
    while (!Number.isSafeInteger(toUnits(value, scale)) || toUnits(value, scale) / scale !== value) {
      scale *= 10
      if (scale > 10 ** maxDecimals || !Number.isFinite(value)) return null
    }
  return scale
}

export const toUnits = (value: number, scale: number): number => Math.round(value * scale)
