import { maxAnswerCharacters } from '../../events/chat.ts'
import { writtenLength } from '../../events/written-length.ts'

/**
 * The text of one answer over all its attempts and model calls. Every piece of model output passes through it once. Clients and the
 * log get the same result: well-formed, never withdrawn, and never longer than the log accepts.
 */
export type AnswerText = {
  /** The released text. It never ends in white space or in half a character, so a model can continue it unchanged. */
  soFar: () => string
  /** From now on clients get no text: a person must release it first. */
  withhold: () => void
  /** The text that clients may have seen. */
  seen: () => string
  /** Whether the limit was reached; further text is ignored. */
  isFull: () => boolean
  /** Adds a piece of model output, which may be cut anywhere. */
  add: (piece: string) => void
  /** Ends the answer and releases held white space. White space alone is no answer and is not released. */
  finish: () => void
  /** Drops held text after a broken stream: a continuation sends it again. */
  interrupt: () => void
}

/** The length of a control character in JSON, such as `\u0000`. */
const widestCharacter = 6
const replacement = '\uFFFD'

/** Continues `begun`, the text that earlier attempts released. `onText` receives each new piece, never empty. */
export function answerText(begun: string, onText: (text: string) => void): AnswerText {
  let released = begun
  let room = maxAnswerCharacters - writtenLength(begun)
  let full = room < widestCharacter
  let isWithheld = false
  /** Trailing white space. Many chat templates trim it from the message that a continuation starts from. */
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
    if (fits !== '' && !isWithheld) onText(fits)
  }

  return {
    soFar: () => released,
    withhold: () => void (isWithheld = true),
    seen: () => (isWithheld ? begun : released),
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

/** The longest prefix of a text that fits into `room` as JSON, cut between characters. */
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

/** The index at which the trailing white space begins. */
function endOfText(text: string): number {
  let end = text.length
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end -= 1
  return end
}

/** White space in JavaScript or Python: chat templates trim as Python does. */
const isSpace = (code: number): boolean =>
  (code >= 0x1c && code <= 0x1f) || code === 0x85 || String.fromCharCode(code).trim() === ''
