import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerText, fittingText } from '../../../src/agents/worker/answer-text.ts'
import { maxAnswerCharacters } from '../../../src/events/chat.ts'

/** Arbitrary UTF-16, with much white space and many lone surrogates. */
const wildText = fc
  .array(
    fc.oneof(
      fc.constantFrom(' ', '\n', '\t', '\u3000', '\u0085', '\u001c', '\ud83c', '\udf89', '🎉', 'a', '"', '\u0001'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
  )
  .map((parts) => parts.join(''))

/** Cuts a text at positions given as fractions of its length. */
function cutUp(text: string, cuts: readonly number[]): string[] {
  const edges = [0, ...cuts.map((share) => Math.floor(share * text.length)).toSorted((a, b) => a - b), text.length]
  return edges.slice(1).map((edge, index) => text.slice(edges[index], edge))
}
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 })

function collecting(begun = '') {
  const tokens: string[] = []
  const answer = answerText(begun, (text) => tokens.push(text))
  return { answer, tokens: () => begun + tokens.join(''), pieces: tokens }
}

describe('the text of an answer', () => {
  test('is well-formed and independent of the cuts, and its pieces add up to it', () => {
    fc.assert(
      fc.property(wildText, shares, (text, cuts) => {
        const { answer, tokens, pieces } = collecting()
        for (const piece of cutUp(text, cuts)) answer.add(piece)
        answer.finish()
        expect(answer.soFar()).toBe(isBlank(text) ? '' : text.toWellFormed())
        expect(tokens()).toBe(answer.soFar())
        expect(pieces.every((piece) => piece !== '' && piece.isWellFormed())).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('so far never ends in white space or in half a character, wherever a stream is cut', () => {
    fc.assert(
      fc.property(wildText, shares, (text, cuts) => {
        const { answer, tokens } = collecting()
        for (const piece of cutUp(text, cuts)) {
          answer.add(piece)
          expect(answer.soFar()).toBe(answer.soFar().trimEnd())
          expect(answer.soFar()).not.toMatch(/[\u001c-\u001f\u0085]$/)
          expect(answer.soFar().isWellFormed()).toBe(true)
          expect(tokens()).toBe(answer.soFar())
        }
      }),
    )
  })

  test('of a continuation equals that of an unbroken answer', () => {
    fc.assert(
      fc.property(wildText, wildText, shares, (before, after, cuts) => {
        const { answer } = collecting('Well')
        for (const piece of cutUp(before, cuts)) answer.add(piece)
        answer.interrupt()
        const start = answer.soFar()
        answer.add(after)
        answer.finish()
        expect(answer.soFar()).toBe(start + after.toWellFormed())
      }),
    )
  })

  test('never exceeds the limit of the log, and is cut between characters', () => {
    const room = 40
    const begun = 'x'.repeat(maxAnswerCharacters - room)
    fc.assert(
      fc.property(wildText, shares, (text, cuts) => {
        const { answer } = collecting(begun)
        for (const piece of cutUp(text, cuts)) answer.add(piece)
        answer.finish()
        const added = answer.soFar().slice(begun.length)
        expect(JSON.stringify(added).length - 2).toBeLessThanOrEqual(room)
        expect(text.toWellFormed().startsWith(added)).toBe(true)
        expect(answer.isFull()).toBe(added !== text.toWellFormed())
      }),
      { numRuns: 300 },
    )
  })

  test('accepts no more text once it is full', () => {
    const { answer, tokens } = collecting()
    for (let i = 0; i < 102; i++) answer.add('x'.repeat(10_000))
    expect(answer.isFull()).toBe(true)
    expect(answer.soFar()).toHaveLength(maxAnswerCharacters)
    expect(tokens()).toBe(answer.soFar())
  })

  test('that an earlier attempt filled is full from the start', () => {
    expect(collecting('x'.repeat(maxAnswerCharacters)).answer.isFull()).toBe(true)
    expect(collecting('x'.repeat(2 * maxAnswerCharacters)).answer.isFull()).toBe(true)
    expect(collecting('x'.repeat(maxAnswerCharacters - 1000)).answer.isFull()).toBe(false)
  })

  test('of white space alone is empty and bounded', () => {
    const { answer, tokens } = collecting()
    for (let i = 0; i < 30; i++) answer.add(' '.repeat(50_000))
    expect(answer.isFull()).toBe(true)
    answer.finish()
    expect(answer.soFar() + tokens()).toBe('')
  })
})

test('control characters count with their length in JSON', () => {
  const text = fittingText('\u0001'.repeat(1_000_000))
  expect(text).toHaveLength(Math.floor(maxAnswerCharacters / 6))
})

/** White space of JavaScript and Python only. */
const isBlank = (text: string): boolean => text.replaceAll(/[\s\u001c-\u001f\u0085]/g, '') === ''
