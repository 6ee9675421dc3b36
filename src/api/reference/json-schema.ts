import { z } from 'zod'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Schemas that have an id, once for a whole document. */
export type SharedSchemas = Map<string, JsonSchema>

/**
 * A schema as JSON Schema (2020-12): what a client sends (`input`), or what it gets (`output`). Schemas with an id are added to `shared`
 * and referred to. Clients must expect new fields in what they get. Throws if two different schemas have one id.
 */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output', shared: SharedSchemas): JsonSchema {
  // Inside an object, a schema that has an id itself becomes a reference too.
  const converted = z.toJSONSchema(z.object({ it: schema }), { io, unrepresentable: 'any' })
  for (const [id, definition] of Object.entries(converted.$defs ?? {})) {
    const named = published(definition, io)
    const known = shared.get(id)
    if (known && JSON.stringify(known) !== JSON.stringify(named)) throw new Error(`two schemas have the id ${id}`)
    shared.set(id, named)
  }
  const it = converted.properties?.['it']
  return typeof it === 'object' ? published(it, io) : {}
}

function published(schema: object, io: 'input' | 'output'): JsonSchema {
  const fields = Object.entries(schema).filter(
    ([name, value]) => name !== 'id' && !(io === 'output' && isNoise(name, value, schema)),
  )
  return Object.fromEntries(fields.map(([name, value]) => [name, publishedPart(name, value, io)]))
}

/** What tells a reader of answers nothing, or more than the server promises. */
const isNoise = (name: string, value: unknown, schema: object): boolean =>
  (name === 'additionalProperties' && value === false) ||
  (name === 'pattern' && 'format' in schema) ||
  (name === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
  (name === 'maximum' && value === Number.MAX_SAFE_INTEGER)

function publishedPart(name: string, value: unknown, io: 'input' | 'output'): unknown {
  if (name === '$ref' && typeof value === 'string') return value.replace('#/$defs/', '#/components/schemas/')
  if (name === 'properties' && typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value as Record<string, object>).map(([field, one]) => [field, published(one, io)]),
    )
  if (Array.isArray(value)) return value.map((one: unknown) => (isObject(one) ? published(one, io) : one))
  return isObject(value) && !['default', 'const', 'examples'].includes(name) ? published(value, io) : value
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
