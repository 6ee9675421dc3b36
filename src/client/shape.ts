/**
 * Reads a value of an expected shape out of JSON, without unknown fields. Throws `ShapeError`. These few readers stand
 * in place of zod, which would add 26 KB (gzip) to a browser's bundle.
 */
export type Shape<T> = Read<T> & {
  /** Never set. It makes the compiler refuse a shape that accepts fewer values than its type has. */
  readonly exactly?: (value: T) => void
}
type Read<T> = (value: unknown, at: string) => T

/** A value has another shape; the message names the place. */
export class ShapeError extends Error {
  constructor(at: string, expected: string) {
    super(`${at} is not ${expected}`)
    this.name = 'ShapeError'
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const text: Shape<string> = (value, at) => {
  if (typeof value !== 'string') throw new ShapeError(at, 'text')
  return value
}

/** Text of a pattern, as a type of its own. */
export const matching =
  <Branded extends string>(pattern: RegExp, expected: string): Shape<Branded> =>
  (value, at) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw new ShapeError(at, expected)
    return value as Branded
  }

/** A value that the caller knows. */
export const anything: Shape<unknown> = (value) => value

export const number: Shape<number> = (value, at) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ShapeError(at, 'a number')
  return value
}

export const integer: Shape<number> = (value, at) => {
  if (!Number.isSafeInteger(value)) throw new ShapeError(at, 'an integer')
  return value as number
}

export const boolean: Shape<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw new ShapeError(at, 'true or false')
  return value
}

/** One of these values. */
export const oneOf =
  <const Value extends string | boolean>(...values: readonly Value[]): Shape<Value> =>
  (value, at) => {
    const found = values.find((each) => each === value)
    if (found === undefined) throw new ShapeError(at, values.join(' or '))
    return found
  }

export const nullable =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value, at) =>
    value === null ? null : shape(value, at)

export const optional =
  <T>(shape: Shape<T>): Shape<T | undefined> =>
  (value, at) =>
    value === undefined ? undefined : shape(value, at)

export const list =
  <T>(shape: Shape<T>): Shape<T[]> =>
  (value, at) => {
    if (!Array.isArray(value)) throw new ShapeError(at, 'a list')
    return value.map((item, index) => shape(item, `${at}.${index}`))
  }

export const record =
  <T>(shape: Shape<T>): Shape<Record<string, T>> =>
  (value, at) => {
    if (!isObject(value)) throw new ShapeError(at, 'an object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shape(item, `${at}.${key}`)]))
  }

/** The shape of each field, optional ones included. */
type Fields<T> = { [Key in keyof T]-?: Shape<T[Key]> }

export const object =
  <T extends object>(fields: Fields<T>): Shape<T> =>
  (value, at) => {
    if (!isObject(value)) throw new ShapeError(at, 'an object')
    const read: Partial<T> = {}
    for (const key of Object.keys(fields) as (keyof T & string)[]) {
      const field = fields[key](Object.hasOwn(value, key) ? value[key] : undefined, `${at}.${key}`)
      if (field !== undefined) read[key] = field
    }
    return read as T
  }

/** The shape that the value of one field selects. */
export const selectedBy =
  <T>(key: string, shapes: Readonly<Record<string, Read<T>>>): Shape<T> =>
  (value, at) => {
    const selector = isObject(value) ? value[key] : undefined
    const shape = typeof selector === 'string' && Object.hasOwn(shapes, selector) ? shapes[selector] : undefined
    if (!shape) throw new ShapeError(`${at}.${key}`, Object.keys(shapes).join(' or '))
    return shape(value, at)
  }
