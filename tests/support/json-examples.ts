import fc from 'fast-check'

/** The part of JSON Schema that the shapes of events use. */
export type JsonSchema = {
  $schema?: string
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  maxLength?: number
  format?: string
  pattern?: string
  /** The message of a custom zod rule. */
  description?: string
}

const strings: Record<string, string> = { 'date-time': '2026-11-23T12:00:00.000Z', date: '2026-11-23' }

/** Examples for custom rules, by their message. A new rule needs an entry here. */
const custom: Record<string, unknown> = {
  'must be a lower-case UUIDv7': '0192f0c1-7a00-7000-8000-00000000000a',
  'must be a position, <ms>-<seq>': '1795435200000-0',
  'must be a stream name, <aggregate>/<id>': 'budget/council/2026-11-23',
  'must be reserve, spend, external, overrun, agent:<id> or bounty:<id>': 'agent:ada',
}

/** Examples of a shape: one with all fields and, if some are optional, one without those. */
export function examplesOf(shape: JsonSchema): unknown[] {
  const { properties = {}, required = [] } = shape
  const whole = exampleOf(shape)
  return Object.keys(properties).length === required.length ? [whole] : [whole, objectOf(properties, required)]
}

function exampleOf(shape: JsonSchema): unknown {
  if (shape.const !== undefined) return shape.const
  if (shape.enum) return shape.enum[0]
  if (shape.anyOf) return exampleOf(shape.anyOf[0] ?? {})
  switch (shape.type) {
    case 'object':
      if (shape.properties) return objectOf(shape.properties, Object.keys(shape.properties))
      return typeof shape.additionalProperties === 'object' ? { name: exampleOf(shape.additionalProperties) } : {}
    case 'array':
      return [exampleOf(shape.items ?? {})]
    case 'integer':
    case 'number':
      return Math.max(shape.minimum ?? 0, (shape.exclusiveMinimum ?? 0) + 1)
    case 'boolean':
      return false
    case 'string':
      return (
        strings[shape.format ?? ''] ??
        (shape.pattern ? matching(shape.pattern) : 'Why? “ünicode” ✓'.slice(0, shape.maxLength))
      )
    default: {
      const value = custom[shape.description ?? '']
      if (value === undefined) throw new Error(`no example for ${JSON.stringify(shape)}: add one to json-examples.ts`)
      return value
    }
  }
}

/** The same text for the same pattern. */
const matching = (pattern: string): string | undefined =>
  fc.sample(fc.stringMatching(new RegExp(pattern)), { seed: 1, numRuns: 1 })[0]

const objectOf = (properties: Record<string, JsonSchema>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, exampleOf(properties[name] ?? {})]))
