/** A number in a text, and the word or sign after it. */
export type FoundNumber = { value: number; unit: string | undefined }

/** Each unit in the base unit of its kind. */
const units: Record<string, { kind: string; factor: number }> = {}
const define = (kind: string, all: Record<string, number>): void => {
  for (const [names, factor] of Object.entries(all)) for (const name of names.split(' ')) units[name] = { kind, factor }
}
define('length', {
  'mm millimetre millimetres millimeter millimeters': 0.001,
  'cm centimetre centimetres centimeter centimeters': 0.01,
  'm metre metres meter meters': 1,
  'km kilometre kilometres kilometer kilometers': 1000,
})
define('mass', {
  'mg milligram milligrams': 0.001,
  'g gram grams': 1,
  'kg kilogram kilograms': 1000,
  'tonne tonnes': 1_000_000,
})
define('volume', {
  'ml millilitre millilitres milliliter milliliters': 0.001,
  'cl centilitre centilitres': 0.01,
  'l litre litres liter liters': 1,
})
define('time', {
  's second seconds': 1,
  'min minute minutes': 60,
  'h hour hours': 3600,
  'day days': 86_400,
  'week weeks': 604_800,
})
define('money', { 'cent cents': 0.01, '$ dollar dollars usd': 1 })
define('share', { '% percent': 0.01 })

const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  )

/** A sign, digits with or without separators of thousands, decimals or a power of ten, and a denominator. */
const pattern =
  /(?<![\w.])([-\u2212\u2013]?)(\$?)(\d{1,3}(?:[,\u00a0\u202f\u2009'_]\d{3})+(?!\d)|\d+)(\.\d+)?(?:e([+-]?\d+)|\s?[x×]\s?10\^([+-]?\d+))?(?:\s?\/\s?(\d+)(?![\w/]))?(?:[\s\u00a0-]?([a-zA-Z%]+))?/g

/** All numbers of a text, in order: digits, or words up to twenty if it has no digits. */
export function numbersIn(text: string): FoundNumber[] {
  const found = [...text.matchAll(pattern)].map((match): FoundNumber => {
    const [, sign, dollar, whole = '', decimals = '', power, tenPower, denominator, word] = match
    const digits = Number(whole.replaceAll(/\D/g, '') + decimals)
    const value = (digits * 10 ** Number(power ?? tenPower ?? 0)) / Number(denominator ?? 1)
    // In "10-3" the sign is an operator, and the pattern does not start inside a word; a dash after a space is a sign.
    return { value: sign ? -value : value, unit: dollar ? '$' : word?.toLowerCase() }
  })
  if (found.length > 0) return found
  return [...text.toLowerCase().matchAll(/\b([a-z]+)\b(?:\s+([a-z]+))?/g)].flatMap(([, word = '', unit]) =>
    small.includes(word) ? [{ value: small.indexOf(word), unit }] : [],
  )
}

/**
 * The one value that the numbers of an answer state, in a unit. "150 minutes (2.5 hours)" states one value twice, and
 * "2 hours 30 minutes" states one in parts, the largest unit first. Null for none, for several, and for a unit of another kind.
 */
export function oneValue(numbers: readonly FoundNumber[], wanted: string | undefined): number | null {
  const values = numbers.map((number) => inUnit(number, wanted))
  const [first = null] = values
  if (first === null || values.includes(null)) return null
  if (values.every((value) => value !== null && isNear(value, first))) return first
  const factors = numbers.map(
    ({ unit }) => (wanted === undefined ? undefined : units[unit ?? '']?.factor) ?? Number.NaN,
  )
  const isInParts = factors.every((factor, index) => (index === 0 ? factor > 0 : factor < (factors[index - 1] ?? 0)))
  return isInParts ? values.reduce<number>((sum, value) => sum + (value ?? 0), 0) : null
}

/** A billionth allows for the rounding of binary fractions. */
export const isNear = (value: number, other: number, tolerance = 0): boolean =>
  Math.abs(value - other) <= tolerance + Math.abs(other) * 1e-9

/** A number in a unit. Null if it has a unit of another kind, such as kilograms for metres. */
function inUnit({ value, unit }: FoundNumber, wanted: string | undefined): number | null {
  if (wanted === undefined || unit === undefined) return value
  const [from, to] = [units[unit], units[wanted]]
  if (!to) throw new Error(`${wanted} is no known unit`)
  if (!from) return value
  return from.kind === to.kind ? (value * from.factor) / to.factor : null
}
