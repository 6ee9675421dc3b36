import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxDepth, parseStrictJson, parseStrictJsonBytes } from '../../src/platform/strict-json.ts'

/** JSON texts as other programs may write them. */
const loosely = fc
  .tuple(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2, '\t'))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent))

describe('strict JSON', () => {
  test('parses like JSON.parse, except for the keys that it refuses', () => {
    fc.assert(
      fc.property(loosely, (text) => {
        fc.pre(!text.includes('__proto__'))
        expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown })
        expect(parseStrictJsonBytes(Buffer.from(text))).toEqual(parseStrictJson(text))
      }),
      { numRuns: 500 },
    )
  })

  test('refuses every text that JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect(parseStrictJson(text).ok).toBe(isJson)
      }),
      { numRuns: 500 },
    )
  })

  test('refuses a key twice in one object, however it is escaped and nested', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        fc.jsonValue(),
        fc.array(fc.constantFrom('array', 'object'), { maxLength: 8 }),
        (key, value, around) => {
          const escaped = `"${Array.from({ length: key.length }, (_, i) => `\\u${key.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
          const within = JSON.stringify(value)
          fc.pre(!within.includes('__proto__'))
          const wrap = (text: string) =>
            around.reduce((inner, kind) => (kind === 'array' ? `[1, ${inner}, {}]` : `{"a": [], "b": ${inner}}`), text)
          expect(parseStrictJson(wrap(`{${escaped}: ${within}, ${JSON.stringify(`x${key}`)}: 1}`)).ok).toBe(true)
          expect(parseStrictJson(wrap(`{${escaped}: ${within}, ${JSON.stringify(key)}: 1}`))).toEqual({
            ok: false,
            problem: `has the key ${JSON.stringify(key.slice(0, 64))} twice`,
          })
        },
      ),
    )
  })

  test.each(['{"__proto__": 1}', '[{"a": {"__proto__": {}}}]', String.raw`{"\u005f_proto__": 1}`])(
    'refuses a key that changes prototypes: %s',
    (text) => {
      expect(parseStrictJson(text)).toEqual({ ok: false, problem: 'has the key "__proto__"' })
    },
  )

  test('accepts the same words as values, and the same key in sibling objects', () => {
    expect(parseStrictJson('["__proto__", {"a": "a"}, {"a": {"a": "\\""}}]').ok).toBe(true)
  })

  test.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])(`has at most ${maxDepth} levels of %s`, (begin, end) => {
    const nested = (levels: number) => `${begin.repeat(levels)}1${end.repeat(levels)}`
    expect(parseStrictJson(nested(maxDepth)).ok).toBe(true)
    expect(parseStrictJson(nested(maxDepth + 1))).toEqual({
      ok: false,
      problem: `is nested more than ${maxDepth} levels deep`,
    })
    expect(parseStrictJson(nested(10_000)).ok).toBe(false)
  })

  test.each([[[0x22, 0xff, 0x22]], [[0x22, 0xc3, 0x22]], [[0x22, 0xed, 0xa0, 0x80, 0x22]], [[0xc0, 0xa2]]])(
    'refuses bytes that are not UTF-8: %j',
    (bytes) => {
      expect(parseStrictJsonBytes(Uint8Array.from(bytes))).toEqual({ ok: false, problem: 'is not UTF-8' })
    },
  )
})
