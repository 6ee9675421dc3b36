import { english } from './english.ts'
import { french } from './french.ts'
import { german } from './german.ts'
import { splitJoined } from './instruction.ts'
import { spanish } from './spanish.ts'
import type { Vocabulary } from './vocabulary.ts'

type Word = { stem: string; rest: RegExp | null }
type Phrase = { cue: string; words: Word[] }
export type Language = { functionWords: Set<string>; letters: RegExp; phrases: Map<string, Phrase[]> }

/** Most words share the pattern of their ending, which is compiled once. */
const patterns = new Map<string, RegExp>()

const languages = [english, german, french, spanish].map(compile)

/** Phrases are found by the first two letters of their first word. */
function compile({ functionWords, letters, endings, cues }: Vocabulary): Language {
  const phrases = new Map<string, Phrase[]>()
  for (const [cue, list] of Object.entries(cues))
    for (const phrase of list.split(/\s+/).filter((text) => text !== '')) {
      const words = splitJoined(phrase.replaceAll('_', ' '))
        .split(' ')
        .map((word) => wordOf(word, endings))
      const key = (words[0]?.stem ?? '').slice(0, 2)
      phrases.set(key, [...(phrases.get(key) ?? []), { cue, words }])
    }
  return { functionWords: new Set(functionWords.trim().split(/\s+/)), letters, phrases }
}

function wordOf(text: string, endings: string): Word {
  const at = text.search(/[*+]/)
  if (at < 0) return { stem: text, rest: null }
  const rest = `^${text.slice(at).replaceAll('*', '.*').replaceAll('+', endings)}$`
  const pattern = patterns.get(rest) ?? new RegExp(rest, 'u')
  patterns.set(rest, pattern)
  return { stem: text.slice(0, at), rest: pattern }
}

const matches = ({ stem, rest }: Word, word: string | undefined): boolean =>
  word !== undefined && (rest === null ? word === stem : word.startsWith(stem) && rest.test(word.slice(stem.length)))

/** The languages that a question may be in: the one with most function words, or all that share the most. */
export function languagesOf(
  question: string,
  words: readonly string[],
): { among: readonly Language[]; isForeign: boolean } {
  const counts = languages.map(({ functionWords }) => words.filter((word) => functionWords.has(word)).length)
  const sample = question.slice(0, sampleCharacters)
  const points = languages.map(({ letters }, at) => (counts[at] ?? 0) + (letters.test(sample) ? 2 : 0))
  const most = Math.max(...points)
  return {
    among: languages.filter((_, at) => points[at] === most),
    isForeign: Math.max(...counts) < expectedFunctionWords(words.length),
  }
}

const sampleCharacters = 1_000

/** The fewest function words in a text of a known language. */
const expectedFunctionWords = (words: number): number => (words < 5 ? 0 : words < 7 ? 1 : words < 10 ? 2 : 3)

/** Every cue in the words, with the index of its first word. A cue of several phrases at the same place counts once. */
export function findCues(
  words: readonly string[],
  among: readonly Language[],
  isKnown: (word: string) => boolean,
): { cue: string; at: number }[] {
  return words.flatMap((word, at) => {
    if (!isKnown(word)) return []
    const found = new Set<string>()
    for (const { phrases } of among)
      for (const key of [word.slice(0, 2), ''])
        for (const { cue, words: phrase } of phrases.get(key) ?? [])
          if (!found.has(cue) && phrase.every((part, offset) => matches(part, words[at + offset]))) found.add(cue)
    return [...found].map((cue) => ({ cue, at }))
  })
}
