import { createInterface } from 'node:readline'
import { Writable, type Readable } from 'node:stream'
import type { Questions } from './questions.ts'
import type { OutputStream } from '../output.ts'

const prompt = 'you> '
const historySize = 500
/** Limit of questions typed or pasted while an answer streams; further ones are dropped. */
const maxWaiting = 100
/** Bracketed paste: the terminal marks pastes, so that their line ends do not count as Enter. */
const markPastes = { on: '\x1b[?2004h', off: '\x1b[?2004l' }

/**
 * Questions typed at a terminal, with line editing and the history of this session. Ctrl-C cancels a running answer or clears a line
 * with text; on an empty line it first explains how to leave, then leaves. Ctrl-D leaves. Pasted text stays one question until Enter.
 * Prompt and echo go to `screen`; nothing is echoed while an answer streams.
 */
export function terminalQuestions(input: Readable, screen: OutputStream, note: (line: string) => void): Questions {
  const waiting: string[] = []
  let pasted: string[] = []
  let isPasting = false
  let isWarned = false
  let isAbandoned = false
  let isEnded = false
  let answer: AbortController | null = null
  let wake: (() => void) | undefined

  const shown = shownUnless(screen, () => answer !== null)
  screen.write(markPastes.on)
  const lines = createInterface({ input, output: shown, terminal: true, prompt, historySize })
  const typed = (): string => [...pasted, lines.line].join('')

  input.on('keypress', (_, key?: { name?: string }) => {
    if (key?.name === 'paste-start') isPasting = true
    if (key?.name === 'paste-end') isPasting = false
  })
  lines.on('line', (line) => {
    pasted.push(line)
    if (isPasting) return
    const text = pasted.join('\n')
    pasted = []
    isWarned = false
    if (text.trim() === '') return void (answer || lines.prompt())
    if (waiting.length < maxWaiting) waiting.push(text)
    wake?.()
  })
  lines.on('SIGINT', () => {
    if (answer) return answer.abort()
    if (typed() !== '') {
      pasted = []
      lines.write(null, { ctrl: true, name: 'e' })
      lines.write(null, { ctrl: true, name: 'u' })
      return lines.prompt()
    }
    screen.write('\n')
    if (isWarned) {
      isAbandoned = true
      return lines.close()
    }
    isWarned = true
    note('press Ctrl-D or Ctrl-C again to leave')
    lines.prompt()
  })
  lines.on('close', () => {
    if (!isEnded) screen.write(markPastes.off)
    isEnded = true
    wake?.()
  })

  return {
    async next() {
      if (waiting.length === 0 && !isEnded) {
        lines.prompt(true)
        await new Promise<void>((resolve) => (wake = resolve))
        wake = undefined
      } else if (waiting[0] !== undefined) shown.write(`${prompt}${waiting[0]}\n`)
      return waiting.shift() ?? null
    },
    answering(current) {
      answer = current
      return () => void (answer = null)
    },
    close: () => lines.close(),
    isAbandoned: () => isAbandoned,
  }
}

/** The terminal as readline sees it; drops output while `isMuted`. */
function shownUnless(screen: OutputStream, isMuted: () => boolean): Writable {
  const shown = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      if (!isMuted()) screen.write(chunk)
      done()
    },
  })
  return Object.defineProperty(shown, 'columns', { get: () => screen.columns })
}
