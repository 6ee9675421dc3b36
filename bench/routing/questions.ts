import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { intents } from '../../src/agents/council/triage/triage.ts'

export const weightsFile = join(import.meta.dirname, '../../src/agents/council/triage/weights.json')

export const languages = ['en', 'de', 'fr', 'es'] as const

const Question = z.strictObject({
  id: z.string().regex(/^[a-z]{2}-\d{4}$/),
  text: z.string().min(1),
  intent: z.enum(intents),
  language: z.enum(languages),
})
export type Question = z.infer<typeof Question>

/** The labelled questions. A hash of the id decides the half: weights are tuned on one half only, and judged by the other half only. */
export function readQuestions(): { tuning: Question[]; heldOut: Question[] } {
  const questions = readLines('questions.jsonl')
  return { tuning: questions.filter(({ id }) => !isHeldOut(id)), heldOut: questions.filter(({ id }) => isHeldOut(id)) }
}

/** Plain questions that must never need a model. They are in neither half. */
export const readObvious = (): Question[] => readLines('obvious.jsonl')

const readLines = (file: string): Question[] =>
  readFileSync(join(import.meta.dirname, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => Question.parse(JSON.parse(line)))

const halvesSeed = 0x5eed_2026

function isHeldOut(id: string): boolean {
  let hash = halvesSeed
  for (const character of id) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) & 1) === 1
}
