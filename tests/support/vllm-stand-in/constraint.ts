import { z } from 'zod'
import { tokenize } from './tokens.ts'

/** The form that a request demands of the answer. */
export type Constraint = { choices: readonly string[] } | { schema: JsonSchema }

type JsonSchema = {
  type?: string | undefined
  enum?: readonly unknown[] | undefined
  properties?: Record<string, JsonSchema> | undefined
  items?: JsonSchema | undefined
  minItems?: number | undefined
  minimum?: number | undefined
}
export const JsonSchema: z.ZodType<JsonSchema> = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  get properties() {
    return z.record(z.string(), JsonSchema).optional()
  },
  get items() {
    return JsonSchema.optional()
  },
  minItems: z.int().optional(),
  minimum: z.number().optional(),
})

/**
 * The tokens of an answer under a constraint. A scripted answer that obeys it, or that is cut and may have obeyed it, is played as it is.
 * The real server would write another text than a script that breaks it: here the first choice, or the least JSON of the schema.
 */
export function constrained(
  tokens: readonly string[],
  constraint: Constraint | undefined,
  isCut: boolean,
): readonly string[] {
  if (constraint === undefined) return tokens
  const text = tokens.join('')
  if ('choices' in constraint) {
    const obeys = constraint.choices.some((choice) => (isCut ? choice.startsWith(text) : choice === text))
    return obeys ? tokens : tokenize(constraint.choices[0] ?? '')
  }
  return isCut || conforms(text, constraint.schema) ? tokens : tokenize(JSON.stringify(leastOf(constraint.schema)))
}

function conforms(text: string, schema: JsonSchema): boolean {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}

function leastOf(schema: JsonSchema): unknown {
  if (schema.enum) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, property]) => [name, leastOf(property)]),
      )
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => leastOf(schema.items ?? {}))
    case 'integer':
    case 'number':
      return schema.minimum ?? 0
    case 'string':
      return ''
    case 'boolean':
      return false
    default:
      return null
  }
}
