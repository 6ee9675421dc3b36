import type { BallotKind } from '../../gedi/election.ts'
import type { CastableBallot } from '../../events/election.ts'
import type { OutputConstraint } from '../models/model.ts'

/** The form of a ballot: the constraint, words for the prompt, and the way back from the text. Null: the text is no ballot. */
export type BallotForm = {
  constraint: OutputConstraint
  instruction: string
  /** Enough for the longest ballot: no tokenizer needs more tokens than characters for it. */
  maxTokens: number
  parse: (text: string) => CastableBallot | null
}

/** Five candidates have 120 rankings and 32 sets; the rankings of six would make a grammar of 720 texts. */
const maxChosenFrom = 5
const highestScore = 10
/** The end of the text is a token too. */
const endTokens = 8

/** The kind of thing that the labels of a ballot name. */
type Noun = 'answer' | 'verdict'

/** The form of a ballot over these labels. */
export function ballotForm(kind: BallotKind, labels: readonly string[], noun: Noun): BallotForm {
  switch (kind) {
    case 'ranking':
      return rankingForm(labels, noun)
    case 'approvals':
      return approvalForm(labels, noun)
    case 'scores':
      return scoreForm(labels, noun)
    default:
      return kind satisfies never
  }
}

function rankingForm(labels: readonly string[], noun: Noun): BallotForm {
  const example = labels.join(' > ')
  const instruction = `Rank all the ${noun}s from best to worst. Write nothing but their letters, for example: ${example}`
  if (labels.length <= maxChosenFrom)
    return {
      constraint: { choices: permutationsOf(labels).map((ranking) => ranking.join(' > ')) },
      instruction,
      maxTokens: example.length + endTokens,
      parse: (text) => listIn(text, />/),
    }
  return listForm(labels, labels.length, `Rank all the ${noun}s from best to worst, as a JSON list of their letters.`)
}

function approvalForm(labels: readonly string[], noun: Noun): BallotForm {
  if (labels.length <= maxChosenFrom)
    return {
      constraint: { choices: ['none', ...subsetsOf(labels).map((set) => set.join(', '))] },
      instruction: `Name all the ${noun}s that are good enough. Write nothing but their letters, for example: ${labels.slice(0, 2).join(', ')}. Write none if no ${noun} is good enough.`,
      maxTokens: labels.join(', ').length + 4,
      parse: (text) => (text.trim().toLowerCase() === 'none' ? [] : listIn(text, /,/)),
    }
  return listForm(labels, 0, `Name all the ${noun}s that are good enough, as a JSON list of their letters.`)
}

function scoreForm(labels: readonly string[], noun: Noun): BallotForm {
  const score = { type: 'integer', minimum: 0, maximum: highestScore }
  return {
    constraint: {
      jsonSchema: {
        type: 'object',
        properties: Object.fromEntries(labels.map((label) => [label, score])),
        required: labels,
        additionalProperties: false,
      },
    },
    instruction: `Score each ${noun} from 0 (useless) to ${highestScore} (perfect), as a JSON object from letter to score.`,
    maxTokens: labels.length * 12 + endTokens,
    parse: (text) => {
      const value = jsonIn(text)
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
      const scores = Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
      return scores.length === Object.keys(value).length ? Object.fromEntries(scores) : null
    },
  }
}

/**
 * A JSON list of labels. It leaves out `uniqueItems`, which vLLM rejects (0.32: "Unimplemented keys"), so a model of vLLM may repeat a
 * label: its ballot is then invalid, and is repaired once.
 */
const listForm = (labels: readonly string[], minItems: number, instruction: string): BallotForm => ({
  constraint: {
    jsonSchema: { type: 'array', items: { type: 'string', enum: labels }, minItems, maxItems: labels.length },
    distinct: true,
  },
  instruction,
  maxTokens: labels.length * 6 + endTokens,
  parse: (text) => {
    const value = jsonIn(text)
    return Array.isArray(value) && value.every((label): label is string => typeof label === 'string') ? value : null
  },
})

function listIn(text: string, separator: RegExp): string[] | null {
  const items = text
    .trim()
    .split(separator)
    .map((item) => item.trim())
  return items.every((item) => /^[A-Z]$/.test(item)) ? items : null
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) => permutationsOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]))
}

/** All subsets but the empty one. */
function subsetsOf<T>(items: readonly T[]): T[][] {
  return Array.from({ length: 2 ** items.length - 1 }, (_, index) =>
    items.filter((__, bit) => ((index + 1) >> bit) % 2 === 1),
  )
}
