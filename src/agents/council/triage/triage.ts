import { classify } from './classifier.ts'
import { featuresOf } from './features.ts'
import { isObviouslySimple } from './obvious.ts'

/**
 * What a question asks for. Where several fit, the first of action, complex, exploratory and simple wins.
 *
 * - `simple`: one fact, a definition, a short explanation or calculation, small talk, a remark on the conversation, the way to do
 *   something, a translation or a rewrite of a given text, a text of a known form (a note, a poem, a story). One model answers well,
 *   on the fast path.
 * - `complex`: needs several steps: weighing, design, proof, planning, diagnosis, the analysis of trade-offs, a decision with
 *   something at stake. For the full council.
 * - `exploratory`: open-ended: ideas, opinions, taste, recommendations, what-if, comparisons without a right answer. For the full
 *   council.
 * - `action`: asks the system to do something in the world or with tools: send, buy, transfer, book, delete, deploy, schedule, run
 *   code on a machine, fetch data that is true only now (the weather, a price, the news). A question about an action is not one:
 *   "how do I delete a branch?" is simple.
 */
export const intents = ['simple', 'complex', 'exploratory', 'action'] as const
export type Intent = (typeof intents)[number]

/** `confidence`: the probability from 0 to 1 that the intent is right, 1 for a rule. */
export type Triage = { intent: Intent; by: 'rule' | 'classifier'; confidence: number }

/** Below this confidence, a model should decide. Chosen on the tuning half of `bench/routing/questions.jsonl`. */
export const certainEnough = 0.8

/** The highest confidence for a question in a language that the triage does not know. */
const foreignConfidence = 0.5

/**
 * Decides the intent of a question without a model: a few rules for the obvious, then a linear classifier over hashed features. Pure
 * and synchronous; takes any text of any length, and reads only the two ends of a long one.
 */
export function triage(question: string): Triage {
  if (isObviouslySimple(question)) return { intent: 'simple', by: 'rule', confidence: 1 }
  const features = featuresOf(question)
  const chances = classify(features)
  const highest = Math.max(...chances)
  return {
    intent: intents[chances.indexOf(highest)] ?? 'simple',
    by: 'classifier',
    confidence: features.isForeign ? Math.min(highest, foreignConfidence) : highest,
  }
}
