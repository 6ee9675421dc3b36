import { maxAnswerCharacters } from '../../events/chat.ts'
import { writtenLength } from '../../events/written-length.ts'

/**
 * The text of one answer, over all its attempts and model calls. Every piece that any model sends passes through here once, and what
 * comes out is both what clients see and what is recorded: well-formed, never withdrawn, never longer than the log takes.
 */
export type AnswerText = {
  /** What was released so far. It never ends in white space or in half a character, so a model can continue it as it is. */
  soFar: () => string
  /** The limit was reached: something did not fit, and nothing more is taken. */
  isFull: () => boolean
  /** Takes a piece as a model sent it, cut anywhere. */
  add: (piece: string) => void
  /** The answer has ended: white space that was held back belongs to it. White space alone is no answer and is not released. */
  finish: () => void
  /** The stream broke: what was held back is forgotten, because a continuation brings it again. */
  interrupt: () => void
}

/** JSON writes a control character as `\u0000`. */
const widestCharacter = 6
const replacement = '\uFFFD'

/** `begun` is what earlier attempts released; `onText` gets each new piece, never empty. */
export function answerText(begun: string, onText: (text: string) => void): AnswerText {
  let released = begun
  let room = maxAnswerCharacters - writtenLength(begun)
  let full = room < widestCharacter
  /** White space at the end. Many chat templates trim it from the message that a continuation starts from. */
  let held = ''
  let heldLength = 0
  /** The first half of a surrogate pair. */
  let half = ''

  const hold = (space: string): void => {
    held += space
    heldLength += writtenLength(space)
  }
  const forget = (): void => {
    held = ''
    heldLength = 0
    half = ''
  }
  const release = (text: string): void => {
    const fits = fittingText(text, room)
    released += fits
    room -= writtenLength(fits)
    full = fits.length < text.length
    if (fits !== '') onText(fits)
  }

  return {
    soFar: () => released,
    isFull: () => full,
    add(piece) {
      if (full) return
      const fresh = half + piece
      half = endsInHalf(fresh) ? fresh.slice(-1) : ''
      const whole = fresh.slice(0, fresh.length - half.length).toWellFormed()
      const end = endOfText(whole)
      if (end > 0) {
        release(held + whole.slice(0, end))
        held = ''
        heldLength = 0
      }
      hold(whole.slice(end))
      if (heldLength > room) full = true
      if (full) forget()
    },
    finish() {
      const last = half === '' ? '' : replacement
      if (!full && released + last !== '') release(held + last)
      forget()
    },
    interrupt: forget,
  }
}

/** The longest beginning of a text that is not longer than `room` when it is written as JSON, cut after a whole character. */
export function fittingText(text: string, room = maxAnswerCharacters): string {
  if (writtenLength(text) <= room) return text
  let written = 0
  let end = 0
  for (const character of text) {
    written += writtenLength(character)
    if (written > room) break
    end += character.length
  }
  return text.slice(0, end)
}

function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}

/** Where the white space at the end of a text begins. */
function endOfText(text: string): number {
  let end = text.length
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end -= 1
  return end
}

/** What JavaScript or Python calls white space: chat templates trim as Python does. */
const isSpace = (code: number): boolean =>
  (code >= 0x1c && code <= 0x1f) || code === 0x85 || String.fromCharCode(code).trim() === ''
