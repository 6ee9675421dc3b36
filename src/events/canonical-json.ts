/**
 * JSON in its canonical form (RFC 8785): equal values have equal texts. Members are sorted by the UTF-16 code units of their names;
 * numbers and strings are written as ECMAScript writes them. Throws on a value that is not JSON, and on half of a surrogate pair.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, member]) => `${scalar(name)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return scalar(value)
}

function scalar(value: unknown): string {
  const isJson =
    value === null ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value)) ||
    (typeof value === 'string' && value.isWellFormed())
  if (!isJson) throw new TypeError(`a ${typeof value} has no canonical JSON`)
  return JSON.stringify(value)
}
