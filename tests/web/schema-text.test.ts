import { describe, expect, test } from 'vitest'
import { fieldsOf, sampleOf, typeText, type Schema, type Schemas } from '../../web/docs/schema-text.ts'

const schemas: Schemas = {
  Position: { type: 'string', description: 'a place in the log' },
  Row: {
    type: 'object',
    properties: {
      id: { $ref: '#/components/schemas/Position' },
      limits: { anyOf: [{ $ref: '#/c/Limits' }, { type: 'null' }] },
    },
    required: ['id'],
  },
  Limits: { type: 'object', properties: { daily: { type: 'integer', minimum: 1 } }, required: ['daily'] },
}

describe('a schema in words', () => {
  test.each<[Schema, string]>([
    [{ type: 'integer', minimum: 1, maximum: 1000 }, 'integer from 1 to 1000'],
    [{ type: 'integer', exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER }, 'integer above 0'],
    [{ type: 'string', minLength: 1, maxLength: 16_000 }, 'text of 1 to 16,000 characters'],
    [{ type: 'string', maxLength: 128 }, 'text of at most 128 characters'],
    [{ type: 'string', format: 'date-time' }, 'time'],
    [{ type: 'string', enum: ['fast', 'full'] }, '"fast" or "full"'],
    [{ const: 'list' }, '"list"'],
    [{ type: ['string', 'null'] }, 'text or null'],
    [{ type: 'array', items: { $ref: '#/components/schemas/Position' } }, 'list of Position'],
    [{ anyOf: [{ type: 'string' }, { type: 'string', format: 'date' }, { type: 'null' }] }, 'text or day or null'],
    [{}, 'any'],
  ])('says %j as %s', (schema, words) => {
    expect(typeText(schema, schemas)).toBe(words)
  })

  test('has the fields of lists and of objects inside', () => {
    const fields = fieldsOf({ type: 'array', items: { $ref: '#/components/schemas/Row' } }, schemas)
    expect(fields).toEqual([
      { name: 'id', type: 'Position', isRequired: true, about: 'a place in the log', depth: 0 },
      { name: 'limits', type: 'object or null', isRequired: false, about: '', depth: 0 },
      { name: 'daily', type: 'integer from 1', isRequired: true, about: '', depth: 1 },
    ])
  })

  test('ends where a schema contains itself', () => {
    const json: Schemas = { Json: { type: 'object', properties: { in: { $ref: '#/components/schemas/Json' } } } }
    expect(fieldsOf({ $ref: '#/components/schemas/Json' }, json)).toHaveLength(4)
  })

  test('has the fields that several forms share once', () => {
    const form = (more: string): Schema => ({ type: 'object', properties: { type: { const: 'x' }, [more]: {} } })
    expect(fieldsOf({ oneOf: [form('a'), form('b')] }, {}).map(({ name }) => name)).toEqual(['type', 'a', 'b'])
  })

  test('has a sample with the required fields', () => {
    expect(sampleOf({ $ref: '#/components/schemas/Row' }, schemas)).toEqual({ id: '…' })
    expect(sampleOf({ $ref: '#/components/schemas/Limits' }, schemas)).toEqual({ daily: 1 })
  })
})
