/** Micro-dollars as dollars, exactly: with two digits where whole cents are meant, and with all six where not. */
export const dollars = (micros: number): string =>
  micros === 0 ? '$0' : written(micros, micros % 10_000 === 0 ? 2 : 6)

/** Micro-dollars as dollars for an estimate: to the cent, or to two figures below ten cents. */
export function roundDollars(micros: number): string {
  if (micros === 0) return '$0'
  const figures = Number((micros / 1_000_000).toPrecision(2)) * 1_000_000
  if (Math.abs(figures) >= 100_000) return written(micros, 2)
  return written(figures, Math.min(6, 7 - Math.floor(Math.log10(Math.abs(figures)))))
}

function written(micros: number, digits: number): string {
  const amount = (Math.abs(micros) / 1_000_000).toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return `${micros < 0 ? '−' : ''}$${amount}`
}
