/** Micro-dollars as dollars: cents from a cent on, and every digit below. */
export function dollars(micros: number): string {
  const value = micros / 1_000_000
  if (micros === 0) return '$0'
  return Math.abs(micros) >= 10_000
    ? `$${value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
    : `$${value.toFixed(6)}`
}
