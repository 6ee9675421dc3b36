/** JSON Schema as far as the server's descriptions use it. */
export type Schema = {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly default?: unknown
}
export type Schemas = Readonly<Record<string, Schema>>

/** A field as a line of a table. `depth`: how many objects it is inside of. */
export type Field = { name: string; type: string; isRequired: boolean; about: string; depth: number }

const maxDepth = 4

/** A schema with its reference followed; its own keywords hold too. */
function resolved(schema: Schema, schemas: Schemas): Schema {
  const name = schema.$ref?.split('/').at(-1)
  const { $ref: _, ...own } = schema
  return name === undefined ? schema : { ...(schemas[name] ? resolved(schemas[name], schemas) : {}), ...own }
}

const formsOf = (schema: Schema): readonly Schema[] => schema.anyOf ?? schema.oneOf ?? []
const isNull = ({ type }: Schema): boolean => type === 'null'

/** The type of a value in a few words, with its bounds: `integer from 1 to 1000`, `list of text or null`. */
export function typeText(schema: Schema, schemas: Schemas): string {
  const whole = resolved(schema, schemas)
  // The name of a kind of text says more than its pattern.
  if (schema.$ref !== undefined && whole.type === 'string' && !whole.enum)
    return schema.$ref.split('/').at(-1) ?? 'text'
  if (whole.const !== undefined) return JSON.stringify(whole.const)
  if (whole.enum) return whole.enum.map((value) => JSON.stringify(value)).join(' or ')
  const forms = formsOf(whole)
  if (forms.length > 0) return [...new Set(forms.map((form) => typeText(form, schemas)))].join(' or ')
  if (whole.items) return `list of ${typeText(whole.items, schemas)}`
  const types = [whole.type ?? 'any'].flat()
  return types
    .map((type) => `${type === 'string' ? textType(whole) : type}${type === 'null' ? '' : bounds(whole)}`)
    .join(' or ')
}

const textType = ({ format }: Schema): string => (format === 'date-time' ? 'time' : format === 'date' ? 'day' : 'text')

function bounds({ minimum, maximum, exclusiveMinimum, minLength, maxLength }: Schema): string {
  const isWhole = (value: number | undefined): value is number =>
    value !== undefined && Math.abs(value) !== Number.MAX_SAFE_INTEGER
  const from = isWhole(minimum) ? ` from ${minimum}` : isWhole(exclusiveMinimum) ? ` above ${exclusiveMinimum}` : ''
  const to = isWhole(maximum) ? ` to ${maximum}` : ''
  const length =
    maxLength === undefined
      ? ''
      : ` of ${minLength === undefined ? 'at most' : `${minLength} to`} ${maxLength.toLocaleString('en')} characters`
  return `${from}${to}${length}`
}

/** The fields of an object, those of the objects inside it below their names. A list counts as its items. */
export function fieldsOf(schema: Schema, schemas: Schemas, depth = 0): Field[] {
  const whole = resolved(schema, schemas)
  if (depth >= maxDepth) return []
  if (whole.items) return fieldsOf(whole.items, schemas, depth)
  const forms = formsOf(whole).filter((form) => !isNull(resolved(form, schemas)))
  if (forms.length === 1 && forms[0]) return fieldsOf(forms[0], schemas, depth)
  if (forms.length > 1) return unique(forms.flatMap((form) => fieldsOf(form, schemas, depth)))
  return Object.entries(whole.properties ?? {}).flatMap(([name, one]) => {
    const field = resolved(one, schemas)
    const said = field.description ?? ''
    const preset = field.default === undefined ? '' : `By default ${JSON.stringify(field.default)}.`
    const isRequired = whole.required?.includes(name) === true
    const about = [said, preset].filter(Boolean).join(' ')
    return [{ name, type: typeText(one, schemas), isRequired, about, depth }, ...fieldsOf(one, schemas, depth + 1)]
  })
}

/** The forms of a frame share most fields. */
function unique(fields: readonly Field[]): Field[] {
  const seen = new Set<string>()
  return fields.filter((field) => {
    const key = JSON.stringify(field)
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** A value of the type, with only what is required: a beginning for a request, not a request. */
export function sampleOf(schema: Schema, schemas: Schemas, depth = 0): unknown {
  const whole = resolved(schema, schemas)
  if (whole.default !== undefined) return whole.default
  if (whole.const !== undefined) return whole.const
  if (whole.enum) return whole.enum[0]
  const [form] = formsOf(whole)
  if (form) return sampleOf(form, schemas, depth)
  switch ([whole.type ?? 'string'].flat()[0]) {
    case 'integer':
    case 'number':
      return whole.minimum ?? 1
    case 'boolean':
      return true
    case 'array':
      return whole.items && depth < maxDepth ? [sampleOf(whole.items, schemas, depth + 1)] : []
    case 'object':
      return Object.fromEntries(
        Object.entries(whole.properties ?? {})
          .filter(([name]) => whole.required?.includes(name))
          .map(([name, one]) => [name, sampleOf(one, schemas, depth + 1)]),
      )
    default:
      return '…'
  }
}
