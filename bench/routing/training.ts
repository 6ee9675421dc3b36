import { scoresOf } from '../../src/agents/council/triage/classifier.ts'
import { buckets, featuresOf, type Features } from '../../src/agents/council/triage/features.ts'
import { softmax } from '../../src/agents/council/triage/softmax.ts'
import { intents } from '../../src/agents/council/triage/triage.ts'
import type { Question } from './questions.ts'

/**
 * Multinomial logistic regression by stochastic gradient descent. It uses only + - * / in a fixed order and fixed seeds, so the same
 * questions give the same weights on every machine.
 */
const classes = intents.length
const epochs = 24
const decay = 0.00003
/** Share of the features that each step leaves out, so that the weights do not rely on a few of them. */
const leftOut = 0.3
/** Every question is seen in several ways: once as it is, and with a share of its words hidden from the vocabularies. */
const views = 4
/**
 * The vocabularies were written together with the questions and know their words. Other people use other words; hiding some makes
 * the weights, and the confidence, ready for them.
 */
const hiddenWords = 0.4
const folds = 3
const temperatures = Array.from({ length: 40 }, (_, index) => 0.5 + index * 0.1)

type Example = { views: Features[]; intent: number }

/** A prediction by weights that were trained without the question. */
export type OutOfFold = { question: Question; chances: number[] }

/** The text of `weights.json`, and what cross-validation says about the same questions. */
export function trainTriage(questions: readonly Question[]): { file: string; outOfFold: OutOfFold[] } {
  const examples = examplesOf(questions)
  const byFold = Array.from({ length: folds }, (_, fold) => trained(examples.filter((_, at) => at % folds !== fold)))
  const scores = (view: number) =>
    examples.map((example, at) => scoresOf(byFold[at % folds] ?? new Float64Array(), viewOf(example, view)))
  const temperature = calibrated(examples, scores(1))
  const { scale, weights } = quantised(trained(examples))
  const file = JSON.stringify({ temperature, scale, weights: Buffer.from(weights.buffer).toString('base64') })
  const asTheyAre = scores(0)
  const outOfFold = questions.map((question, at) => ({ question, chances: cooled(asTheyAre[at] ?? [], temperature) }))
  return { file: `${file}\n`, outOfFold }
}

function examplesOf(questions: readonly Question[]): Example[] {
  const random = generator(5)
  const isKnown = () => random() >= hiddenWords * 2 ** 32
  return questions.map(({ text, intent }) => ({
    views: Array.from({ length: views }, (_, view) => featuresOf(text, view === 0 ? undefined : isKnown)),
    intent: intents.indexOf(intent),
  }))
}

const nothing: Features = { indices: [], values: [], isForeign: false }
const viewOf = (example: Example, view: number): Features => example.views[view % views] ?? nothing

/** Weights for every bucket and class, the classes of a bucket next to each other. */
function trained(examples: readonly Example[]): Float64Array {
  const weights = new Float64Array(buckets * classes)
  const random = generator(7)
  const order = examples.slice()
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random)
    const rate = 1 / (1 + (4 * epoch) / epochs)
    for (const example of order) step(weights, thinned(viewOf(example, epoch), random), example.intent, rate)
    const kept = 1 - rate * decay * examples.length
    for (let at = 0; at < weights.length; at++) weights[at] = (weights[at] ?? 0) * kept
  }
  return weights
}

function step(weights: Float64Array, features: Features, intent: number, rate: number): void {
  const errors = softmax(scoresOf(weights, features)).map((chance, each) => rate * (chance - (each === intent ? 1 : 0)))
  for (let at = 0; at < features.indices.length; at++) {
    const cell = (features.indices[at] ?? 0) * classes
    const value = features.values[at] ?? 0
    for (let each = 0; each < classes; each++)
      weights[cell + each] = (weights[cell + each] ?? 0) - (errors[each] ?? 0) * value
  }
}

function thinned({ indices, values, isForeign }: Features, random: () => number): Features {
  const kept: Features = { indices: [], values: [], isForeign }
  for (let at = 0; at < indices.length; at++) {
    if (random() < leftOut * 2 ** 32) continue
    kept.indices.push(indices[at] ?? 0)
    kept.values.push(values[at] ?? 0)
  }
  return kept
}

const cooled = (scores: readonly number[], temperature: number): number[] =>
  softmax(scores.map((score) => score / temperature))

/** The temperature at which the probabilities have the least squared error (Brier score). */
function calibrated(examples: readonly Example[], scores: readonly number[][]): number {
  const errorAt = (temperature: number): number => {
    let error = 0
    for (const [at, { intent }] of examples.entries())
      for (const [each, chance] of cooled(scores[at] ?? [], temperature).entries()) {
        const difference = chance - (each === intent ? 1 : 0)
        error += difference * difference
      }
    return error
  }
  const errors = temperatures.map(errorAt)
  return temperatures[errors.indexOf(Math.min(...errors))] ?? 1
}

function quantised(weights: Float64Array): { scale: number; weights: Int8Array } {
  let largest = 0
  for (const weight of weights) largest = Math.max(largest, Math.abs(weight))
  const scale = largest / 127
  return { scale, weights: Int8Array.from(weights, (weight) => Math.round(weight / scale)) }
}

function shuffle(items: Example[], random: () => number): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random() % (at + 1)
    const [moved, swapped] = [items[at], items[other]]
    if (moved === undefined || swapped === undefined) continue
    items[at] = swapped
    items[other] = moved
  }
}

/** Xorshift: whole numbers below 2^32, the same on every machine. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
