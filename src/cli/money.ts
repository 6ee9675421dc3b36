const perDollar = 1_000_000

/** Micro-dollars as dollars, all six places: `$0.000038`. */
function dollars(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, '0')
  return `${micros < 0 ? '-' : ''}$${Math.floor(Math.abs(micros) / perDollar)}.${digits.slice(-6)}`
}

/** `$0.000038 (38 µ$)` */
export const dollarsAndMicros = (micros: number): string => `${dollars(micros)} (${micros.toLocaleString('en')} µ$)`
