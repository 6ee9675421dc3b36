import { findCues, languagesOf } from './cues.ts'
import { instructionOf, materialMark } from './instruction.ts'

/** Number of buckets that the features are hashed into. */
export const buckets = 32_768

/** A sparse vector, no index twice. `isForeign`: the question is in a language that the triage does not know. */
export type Features = { indices: number[]; values: number[]; isForeign: boolean }

const startWords = 4
const maxClauses = 12

/** Turns a question into hashed features. Each group of features has a fixed norm, so that a long question is no louder than a short one. */
export function featuresOf(question: string, isKnown: (word: string) => boolean = () => true): Features {
  const text = instructionOf(question)
  const clauses = text
    .split(/[.!?:;,\n]+(?:\s+|$)|\s+[-–]\s+/)
    .map(wordsOf)
    .filter((words) => words.length > 0)
  const words = clauses.flat()
  const { among, isForeign } = languagesOf(question, words)
  const cues = cueFeatures(
    text,
    clauses,
    words,
    findCues(words, among, isKnown),
    among.some(({ functionWords }) => functionWords.has(words[0] ?? '')),
  )
  const vector = newVector()
  vector.add(characterGrams(words), 1)
  vector.add(wordGrams(words), 1)
  vector.add(clauseStarts(clauses), 1)
  vector.add(shape(text, words), 0.5)
  vector.add(cues.single, 1)
  vector.add(cues.start, 1)
  vector.add(cues.pairs, 1)
  vector.add(cues.startPairs, 1)
  vector.add(cues.clauses, 0.5)
  return { indices: vector.indices, values: vector.values, isForeign }
}

const wordsOf = (text: string): string[] => text.match(/[\p{L}\p{N}']+|§/gu) ?? []

function newVector() {
  const seen = new Uint8Array(buckets)
  const indices: number[] = []
  const values: number[] = []
  return {
    indices,
    values,
    add(hashes: Iterable<number>, norm: number): void {
      for (const hash of hashes) {
        const index = hash % buckets
        if (seen[index] === 1) continue
        seen[index] = 1
        indices.push(index)
      }
      const value = norm / squareRoot(Math.max(1, indices.length - values.length))
      while (values.length < indices.length) values.push(value)
    },
  }
}

/** By Newton's method, from + and / alone, for whole numbers from 1. */
function squareRoot(x: number): number {
  let root = x
  for (let step = 0; step < 30; step++) root = (root + x / root) / 2
  return root
}

/** FNV-1a, whose low bits are mixed in the end. */
const extend = (hash: number, text: string): number => {
  let extended = hash
  for (let at = 0; at < text.length; at++) extended = Math.imul(extended ^ text.charCodeAt(at), 0x01000193)
  return extended
}
const finish = (hash: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
const start = (group: string): number => extend(0x811c9dc5, `${group} `)
const hashOf = (group: string, text: string): number => finish(extend(start(group), text))

/** 2 to 5 characters of a word, whose ends are marked. */
function characterGrams(words: readonly string[]): number[] {
  const grams: number[] = []
  const group = start('characters')
  for (const word of words) {
    const marked = ` ${word} `
    for (let from = 0; from < marked.length - 1; from++) {
      let hash = Math.imul(group ^ marked.charCodeAt(from), 0x01000193)
      for (let to = from + 1; to < Math.min(from + 5, marked.length); to++) {
        hash = Math.imul(hash ^ marked.charCodeAt(to), 0x01000193)
        grams.push(finish(hash))
      }
    }
  }
  return grams
}

function* wordGrams(words: readonly string[]): Iterable<number> {
  for (const [at, word] of words.entries()) {
    yield hashOf('word', /^\d+$/.test(word) ? '0' : word)
    if (at > 0) yield hashOf('word', `${words[at - 1] ?? ''} ${word}`)
  }
}

/** The first words of the question and of each clause, where most requests say what they want. */
function* clauseStarts(clauses: readonly string[][]): Iterable<number> {
  for (const [at, [first = '', second = '', third = '']] of clauses.slice(0, maxClauses).entries()) {
    const place = at === 0 ? ['first'] : at === clauses.length - 1 ? ['last'] : []
    for (const group of [...place, 'clause']) {
      yield hashOf(group, first)
      yield hashOf(group, first.slice(0, 4))
      yield hashOf(group, `${first} ${second}`)
      yield hashOf(group, `${first} ${second} ${third}`)
    }
  }
}

/** The number of bounds that a size has reached. */
const level = (size: number, bounds: readonly number[]): string =>
  String(bounds.filter((bound) => size >= bound).length)

function shape(text: string, words: readonly string[]): number[] {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  return [
    hashOf('words', level(words.length, [3, 5, 8, 12, 18, 28, 45, 80])),
    hashOf('sentences', level(count(/[.!?](?:\s|$)/g), [1, 2, 3, 5])),
    hashOf('questions', level(count(/\?/g), [1, 2, 3])),
    hashOf('ends as a question', String(text.endsWith('?'))),
    hashOf('numbers', level(count(/\d+/g), [1, 2, 3, 5])),
    hashOf('list', level(count(/,|\n[-*\d]/g), [1, 2, 3, 5])),
    hashOf('material', String(text.includes(materialMark))),
    hashOf('colon', String(text.includes(':'))),
  ]
}

/** The cues of the text, of its start and of the starts of its clauses, and those that occur together. */
function cueFeatures(
  text: string,
  clauses: readonly string[][],
  words: readonly string[],
  found: readonly { cue: string; at: number }[],
  startsWithFunctionWord: boolean,
) {
  const counts = new Map<string, number>()
  for (const { cue } of found) counts.set(cue, (counts.get(cue) ?? 0) + 1)
  const all = [...counts.keys()].toSorted()
  const atStart = [...new Set(found.filter(({ at }) => at < startWords).map(({ cue }) => cue))].toSorted()
  const first = [...new Set(found.filter(({ at }) => at === 0).map(({ cue }) => cue))].toSorted()
  const asks = String(text.includes('?'))
  const opening = `${asks} ${String(startsWithFunctionWord)}`
  const orNone = (cues: readonly string[]) => (cues.length === 0 ? ['none'] : cues)
  return {
    single: [
      ...orNone(all).map((cue) => hashOf('cue', cue)),
      ...all.filter((cue) => (counts.get(cue) ?? 0) >= 2).map((cue) => hashOf('cue twice', cue)),
      ...all.filter((cue) => (counts.get(cue) ?? 0) >= 4).map((cue) => hashOf('cue often', cue)),
    ],
    start: [
      ...orNone(atStart).flatMap((cue) => [hashOf('start', cue), hashOf('start', `${cue} ${asks}`)]),
      ...orNone(first).flatMap((cue) => [hashOf('first', cue), hashOf('first', `${cue} ${asks}`)]),
      hashOf('opening', opening),
      hashOf('opening', `${opening} ${level(words.length, [4, 7, 14, 30])}`),
    ],
    pairs: pairsOf(all).map((pair) => hashOf('pair', pair)),
    startPairs: [
      ...pairsOf(atStart).map((pair) => hashOf('start pair', pair)),
      ...atStart.flatMap((cue) => all.map((other) => hashOf('start and text', `${cue} ${other}`))),
    ],
    clauses: laterStarts(clauses, found).map((cue) => hashOf('later start', cue)),
  }
}

const pairsOf = (cues: readonly string[]): string[] =>
  cues.flatMap((cue, at) => cues.slice(at + 1).map((other) => `${cue} ${other}`))

/** Cues among the first three words of every clause but the first. */
function laterStarts(clauses: readonly string[][], found: readonly { cue: string; at: number }[]): string[] {
  const starts = new Set<number>()
  let position = 0
  for (const clause of clauses) {
    if (position > 0) for (const offset of [0, 1, 2].slice(0, clause.length)) starts.add(position + offset)
    position += clause.length
  }
  return found.filter(({ at }) => starts.has(at)).map(({ cue }) => cue)
}
