/** Micro-dollars as dollars, exactly: with two digits where whole cents are meant, and with all six where not. */
export function dollars(micros: number): string {
  if (micros === 0) return '$0'
  const digits = micros % 10_000 === 0 ? 2 : 6
  const amount = (Math.abs(micros) / 1_000_000).toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return `${micros < 0 ? '−' : ''}$${amount}`
}
