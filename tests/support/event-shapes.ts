import { createHash } from 'node:crypto'
import { z } from 'zod'
import { definitionOf } from '../../src/events/catalogue.ts'
import type { JsonSchema } from './json-examples.ts'

/** The rules of a value in words, or the shapes of an object's fields; `?` marks an optional field. */
export type Shape = string | { [field: string]: Shape }

/** The JSON Schema of the newest version of an event type. A custom zod rule appears as its message. */
export function schemaOf(type: string): JsonSchema {
  const data = definitionOf(type)?.data
  if (!data) throw new Error(`event type ${type} is not in the catalogue`)
  const schema: unknown = z.toJSONSchema(data, {
    unrepresentable: 'any',
    // The metadata describe values to readers of the API; they are no rules.
    metadata: z.registry(),
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === 'custom')
        jsonSchema.description = z.safeParse(zodSchema, undefined).error?.issues[0]?.message ?? ''
    },
  })
  return schema as JsonSchema
}

/** A schema in a form that people can compare. It has every rule, so different schemas have different shapes. */
export function shapeOf({ $schema: _, ...schema }: JsonSchema): Shape {
  const { type, properties, required = [], additionalProperties, ...others } = schema
  if (!properties || additionalProperties !== false || Object.keys(others).length > 0) return inWords(schema)
  return Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [required.includes(name) ? name : `${name}?`, shapeOf(field)]),
  )
}

/** For example `string, minLength 1, maxLength 500`, or `number | null`. */
function inWords({ type, description, anyOf, ...rules }: JsonSchema): string {
  const kind = [type, description, anyOf?.map(inWords).join(' | ')].filter((words) => words !== undefined)
  const words = Object.entries(rules).map(([rule, value]: [string, unknown]) => {
    // Formats have patterns of hundreds of characters.
    if (rule === 'pattern' && rules.format) return `pattern with SHA-256 ${hashOf(String(value)).slice(0, 16)}`
    if (Array.isArray(value)) return `${rule} ${value.map(valueInWords).join(' | ')}`
    const isSchema = withSchema.has(rule) && typeof value === 'object'
    return `${rule} ${isSchema ? `(${inWords(value as JsonSchema)})` : valueInWords(value)}`
  })
  return [...kind, ...words].join(', ')
}

const withSchema = new Set(['items', 'propertyNames', 'additionalProperties'])
const valueInWords = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
