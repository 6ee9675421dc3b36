import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** How the answer to a question is checked. `bench/wisdom/check.ts` implements each. */
export const Check = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('number'),
    value: z.number(),
    /** The largest distance that is still right. */
    tolerance: z.number().nonnegative().default(0),
    /** The unit of `value`. An answer in another unit of its kind is converted; an answer without a unit is taken to be in this one. */
    unit: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('choice'), value: z.string(), options: z.record(z.string(), z.string()) }),
  z.strictObject({ type: z.literal('text'), accept: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ type: z.literal('yesno'), value: z.boolean() }),
  z.strictObject({ type: z.literal('date'), value: z.iso.date() }),
])
export type Check = z.infer<typeof Check>

/** How the expected answer can be computed. `tests/bench/questions.test.ts` computes each. */
export const Proof = z.union([
  z.strictObject({ arithmetic: z.string() }),
  z.strictObject({ addDays: z.int(), to: z.iso.date() }),
  z.strictObject({ daysFrom: z.iso.date(), to: z.iso.date() }),
  z.strictObject({ weekdayOf: z.iso.date() }),
  /** "A>B": A comes before B. `place` counts from 1. */
  z.strictObject({ order: z.array(z.string().regex(/^\w+>\w+$/)), place: z.int().positive() }),
])
export type Proof = z.infer<typeof Proof>

const Question = z.strictObject({
  id: z.string().min(1),
  kind: z.string().min(1),
  text: z.string().min(1),
  check: Check,
  proof: Proof.optional(),
})
export type Question = z.infer<typeof Question>

export const ownQuestions = `${import.meta.dirname}/questions.jsonl`

/** Reads questions, one JSON value a line. Throws an Error that names the line. */
export function readQuestions(file: string): Question[] {
  const questions = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseQuestion(line, `${file}:${index + 1}`)]))
  const ids = questions.map(({ id }) => id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new Error(`${file} has two questions with the id ${twice}`)
  return questions
}

function parseQuestion(line: string, place: string): Question {
  let content: unknown
  try {
    content = JSON.parse(line)
  } catch (error) {
    throw new Error(`${place} is no JSON`, { cause: error })
  }
  const parsed = Question.safeParse(content)
  if (!parsed.success) throw new Error(`${place} is no question: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/** Some of the questions, spread evenly over all of them, so that each kind is among them. */
export function sampleOf<T>(questions: readonly T[], limit: number): T[] {
  if (limit >= questions.length) return [...questions]
  return Array.from({ length: limit }, (_, index) => questions[Math.floor((index * questions.length) / limit)]).filter(
    (question) => question !== undefined,
  )
}
