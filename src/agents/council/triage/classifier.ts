import { buckets, type Features } from './features.ts'
import { softmax } from './softmax.ts'
import trained from './weights.json' with { type: 'json' }

/** The trained weights: one byte for each bucket and class, the classes of a bucket next to each other. */
const weights = new Int8Array(Buffer.from(trained.weights, 'base64'))

/** The probability of each class, in the order of `intents`. */
export function classify(features: Features): number[] {
  const scores = scoresOf(weights, features).map((score) => (score * trained.scale) / trained.temperature)
  return softmax(scores)
}

/** The score of each class: the sum of the weights of the features. */
export function scoresOf(from: Int8Array | Float64Array, { indices, values }: Features): number[] {
  const classes = from.length / buckets
  const scores = new Array<number>(classes).fill(0)
  for (let at = 0; at < indices.length; at++) {
    const cell = (indices[at] ?? 0) * classes
    const value = values[at] ?? 0
    for (let each = 0; each < classes; each++) scores[each] = (scores[each] ?? 0) + (from[cell + each] ?? 0) * value
  }
  return scores
}
