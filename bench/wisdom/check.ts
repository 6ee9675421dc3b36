import { datesIn } from './dates.ts'
import { isNear, numbersIn, oneValue } from './numbers.ts'
import type { Check } from './question.ts'

/**
 * Whether an answer is right. The answer is the last line "Answer: …", or without one the last number, date, choice or sentence of the
 * text. A right value among the reasoning does not count if the answer is another one.
 */
export function isRight(check: Check, text: string): boolean {
  const { answer, isMarked } = finalAnswer(withoutMarkup(text))
  switch (check.type) {
    case 'number': {
      const numbers = numbersIn(answer)
      // In "3 x 4 = 12", and in a text without a marked answer, the last number is the answer.
      const isOne = isMarked && !answer.includes('=')
      const value = oneValue(isOne ? numbers : numbers.slice(-1), check.unit)
      return value !== null && isNear(value, check.value, check.tolerance)
    }
    case 'date': {
      const dates = [...new Set(datesIn(answer))]
      return (isMarked && dates.length > 1 ? undefined : dates.at(-1)) === check.value
    }
    case 'choice':
      return choiceIn(answer, check.options, isMarked) === check.value
    case 'yesno':
      return yesNoIn(answer, isMarked) === check.value
    case 'text':
      return check.accept.some((accepted) => mentions(isMarked ? answer : lastSentence(answer), accepted))
    default:
      return check satisfies never
  }
}

/** Bold, code, LaTeX's boxes and dollar signs say nothing about the answer. A dollar sign before a digit is money. */
const withoutMarkup = (text: string): string =>
  text
    .replaceAll(/\\boxed\{([^{}]*)\}/g, '$1')
    .replaceAll(/\\[()[\]]/g, '')
    .replaceAll(/\*\*|__|`/g, '')
    .replaceAll(/\$(?!\d)/g, '')
    .trim()

/** The text after the last "Answer:", to the end of its line, or the next line if that is empty. */
function finalAnswer(text: string): { answer: string; isMarked: boolean } {
  const marked = [...text.matchAll(/\banswer(?: is)?\s*:[ \t]*\n?[ \t]*([^\n]*)/gi)].at(-1)?.[1]?.trim()
  return marked ? { answer: marked, isMarked: true } : { answer: text, isMarked: false }
}

const lastSentence = (text: string): string =>
  text
    .split(/(?<=[.!?])\s+|\n+/)
    .filter((sentence) => sentence.trim() !== '')
    .at(-1) ?? ''

/** Lower case, without accents, punctuation and articles. */
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .replaceAll(/\b(the|a|an)\b/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()

const negation = /\b(not|no|never|neither|nor|isn t|wasn t|doesn t|cannot)\b/

/**
 * Whether a short text has an accepted answer in whole words, and does not deny it or offer another: no "or", and where the answer is a
 * figure, such as a time, no other figure.
 */
function mentions(text: string, accepted: string): boolean {
  const [words, wanted] = [plain(text), plain(accepted)]
  if (words === wanted) return true
  const rest = ` ${words} `.replaceAll(new RegExp(`(?<= )${wanted}(?= )`, 'g'), '')
  const offersAnother = /\bor\b/.test(words) || (/\d/.test(wanted) && /\d/.test(rest))
  return rest !== ` ${words} ` && !negation.test(words) && !offersAnother
}

/** The choice that an answer names: by its label ("B", "(B)", "B. Paris") or by its text. Undefined if it names none or several. */
function choiceIn(answer: string, options: Readonly<Record<string, string>>, isMarked: boolean): string | undefined {
  const labels = Object.keys(options)
  const text = isMarked ? answer : lastSentence(answer)
  const leading = /^\(?([A-Za-z])(?:\)|\.|:|,|$|\s*[-–]\s)/.exec(text.trim())?.[1]?.toUpperCase()
  if (leading !== undefined && labels.includes(leading)) return leading
  const byLabel = [...text.matchAll(/\(([A-Z])\)|\b(?:option|choice|is) ([A-Z])\b(?!')/g)].map(
    ([, bracketed, named]) => bracketed ?? named ?? '',
  )
  const byText = labels.filter((label) => mentions(text, options[label] ?? ''))
  const named = new Set([...byLabel.filter((label) => labels.includes(label)), ...(byLabel.length > 0 ? [] : byText)])
  return named.size === 1 ? [...named][0] : undefined
}

/** Yes or no at the start of an answer, or, without a marked answer, at the start of the text or in its last sentence. */
function yesNoIn(answer: string, isMarked: boolean): boolean | undefined {
  const first = (text: string) => /^(yes|no|true|false)\b/.exec(plain(text))?.[1]
  const word = first(answer) ?? (isMarked ? undefined : first(lastSentence(answer)))
  return word === undefined ? undefined : word === 'yes' || word === 'true'
}
