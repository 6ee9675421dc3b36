import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readObvious, readQuestions, weightsFile } from '../../../../bench/routing/questions.ts'
import { scoreOf } from '../../../../bench/routing/score.ts'
import { trainTriage } from '../../../../bench/routing/training.ts'
import { intents } from '../../../../src/agents/council/triage/triage.ts'

const { tuning, heldOut } = readQuestions()
const questions = [...tuning, ...heldOut]

describe('the labelled questions', () => {
  test('have every text and every id once', () => {
    const all = [...questions, ...readObvious()]
    const normal = (text: string) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
        .trim()
    const counts = Map.groupBy(all, ({ text }) => normal(text))
    expect([...counts].filter(([, same]) => same.length > 1).map(([text]) => text)).toEqual([])
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  })

  test('fall into two halves of about the same size, each with every intent', () => {
    expect(tuning.length / questions.length).toBeGreaterThan(0.45)
    expect(tuning.length / questions.length).toBeLessThan(0.55)
    for (const half of [tuning, heldOut])
      for (const intent of intents)
        expect(half.filter((question) => question.intent === intent).length / half.length).toBeGreaterThan(0.18)
  })
})

describe('the checked-in weights', () => {
  test('are under 200 kB', () => {
    expect(readFileSync(weightsFile).length).toBeLessThan(200_000)
  })

  test('come from the tuning half, byte by byte', { timeout: 180_000 }, () => {
    expect(trainTriage(tuning).file === readFileSync(weightsFile, 'utf8'), 'run npm run train:triage').toBe(true)
  })

  test('decide at least 95 % of the held-out half correctly, and 97 % of the questions that need no model', () => {
    const score = scoreOf(heldOut)
    expect(score.accuracy).toBeGreaterThanOrEqual(0.95)
    expect(score.accuracyWithoutModel).toBeGreaterThanOrEqual(0.97)
  })

  test('decide every obvious question correctly and without a model', () => {
    expect(scoreOf(readObvious())).toMatchObject({ accuracy: 1, needsModel: 0 })
  })
})
