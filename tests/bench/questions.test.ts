import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { isRight } from '../../bench/wisdom/check.ts'
import { ownQuestions, readQuestions, sampleOf, type Check, type Proof } from '../../bench/wisdom/question.ts'

const questions = readQuestions(ownQuestions)

/** The answer that a person would write, from the check. */
function writtenAnswer(check: Check): string {
  switch (check.type) {
    case 'number':
      return `${check.value}${check.unit === undefined ? '' : ` ${check.unit}`}`
    case 'text':
      return check.accept[0] ?? ''
    case 'yesno':
      return check.value ? 'Yes' : 'No'
    case 'choice':
    case 'date':
      return check.value
    default:
      return check satisfies never
  }
}

/** Computes an expression of numbers, `+ - * / %` and brackets. */
function computed(expression: string): number {
  const tokens = expression.match(/\d+(?:\.\d+)?|[-+*/%()]/g) ?? []
  let at = 0
  const atom = (): number => {
    const token = tokens[at++]
    if (token !== '(') return Number(token)
    const value = sum()
    at += 1
    return value
  }
  const product = (): number => {
    let value = atom()
    for (let sign = tokens[at]; sign && '*/%'.includes(sign); sign = tokens[at]) {
      at += 1
      const other = atom()
      value = sign === '*' ? value * other : sign === '/' ? value / other : value % other
    }
    return value
  }
  const sum = (): number => {
    let value = product()
    for (let sign = tokens[at]; sign === '+' || sign === '-'; sign = tokens[at]) {
      at += 1
      value += (sign === '+' ? 1 : -1) * product()
    }
    return value
  }
  const value = sum()
  if (at !== tokens.length) throw new Error(`${expression} is no expression`)
  return value
}

const dayMs = 86_400_000

/** The one order that fits all relations; throws if there are several. */
function onlyOrder(relations: readonly string[]): string[] {
  const pairs = relations.map((relation) => relation.split('>') as [string, string])
  const order: string[] = []
  let left = [...new Set(pairs.flat())]
  while (left.length > 0) {
    const first = left.filter((one) => !pairs.some(([before, after]) => after === one && left.includes(before)))
    if (first.length !== 1) throw new Error(`${relations.join()} have no single order`)
    order.push(...first)
    left = left.filter((one) => !first.includes(one))
  }
  return order
}

function answerFrom(proof: Proof): string {
  if ('arithmetic' in proof) return String(computed(proof.arithmetic))
  if ('addDays' in proof) return new Date(Date.parse(proof.to) + proof.addDays * dayMs).toISOString().slice(0, 10)
  if ('daysFrom' in proof) return String((Date.parse(proof.to) - Date.parse(proof.daysFrom)) / dayMs)
  if ('weekdayOf' in proof)
    return new Date(proof.weekdayOf).toLocaleDateString('en-GB', { weekday: 'long', timeZone: 'UTC' })
  return onlyOrder(proof.order)[proof.place - 1] ?? ''
}

describe('the questions', () => {
  test('are at least 100, of five kinds', () => {
    expect(questions.length).toBeGreaterThanOrEqual(100)
    expect(new Set(questions.map(({ kind }) => kind)).size).toBe(5)
    expect(new Set(questions.map(({ text }) => text)).size).toBe(questions.length)
  })

  test('of arithmetic, units and dates each have a computation', () => {
    const unproved = questions.filter(({ kind, proof }) => ['arithmetic', 'units', 'dates'].includes(kind) && !proof)
    expect(unproved).toEqual([])
  })

  test.each(questions.flatMap(({ id, check, proof }) => (proof ? [{ id, check, proof }] : [])))(
    'expect the computed answer: $id',
    ({ check, proof }) => expect(isRight(check, `Answer: ${answerFrom(proof)}`)).toBe(true),
  )

  test.each(questions)('have checks that tell right from wrong: $id', ({ check }) => {
    expect(isRight(check, `Answer: ${writtenAnswer(check)}`)).toBe(true)
    expect(isRight(check, '')).toBe(false)
    expect(isRight(check, 'Answer: I do not know')).toBe(false)
    expect(isRight(check, 'Answer: 123456')).toBe(false)
  })
})

describe('a file of questions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'questions-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const fileOf = (...lines: string[]): string => {
    const file = join(folder, `${lines.length}-${lines.join().length}.jsonl`)
    writeFileSync(file, lines.join('\n'))
    return file
  }
  const question = '{"id":"a","kind":"k","text":"1+1?","check":{"type":"number","value":2}}'

  test('is read without its empty lines', () => {
    expect(readQuestions(fileOf(question, '', ''))).toEqual([
      { id: 'a', kind: 'k', text: '1+1?', check: { type: 'number', value: 2, tolerance: 0 } },
    ])
  })

  test.each([
    { name: 'text', lines: [question, 'hello'], reason: /:2 is no JSON/ },
    {
      name: 'an unknown check',
      lines: ['{"id":"a","kind":"k","text":"?","check":{"type":"x"}}'],
      reason: /:1 is no question/,
    },
    { name: 'an id twice', lines: [question, question], reason: /two questions with the id a/ },
  ])('is refused with its line for $name', ({ lines, reason }) => {
    expect(() => readQuestions(fileOf(...lines))).toThrow(reason)
  })

  test('gives a sample from its whole length', () => {
    expect(sampleOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5)).toEqual([0, 2, 4, 6, 8])
    expect(sampleOf([0, 1], 5)).toEqual([0, 1])
  })
})
