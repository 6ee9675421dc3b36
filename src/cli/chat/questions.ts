import type { Readable } from 'node:stream'
import { maxPromptCharacters } from '../../events/chat.ts'

/** The source of a conversation's questions. */
export type Questions = {
  /** The next question, never blank; null after the last one and after `close`. */
  next: () => Promise<string | null>
  /** Until the returned function is called, Ctrl-C aborts this answer. */
  answering: (answer: AbortController) => () => void
  close: () => void
  /** Whether the user left with Ctrl-C. */
  isAbandoned: () => boolean
}

/** The lines of an input that is not a terminal, in order. Reads only as far as the caller asks. */
export function pipedQuestions(input: Readable): Questions {
  const lines = linesOf(input)
  return {
    async next() {
      for (;;) {
        const { done, value } = await lines.next()
        if (done) return null
        if (value.trim() !== '') return value
      }
    },
    answering: () => () => undefined,
    close: () => void input.destroy(),
    isAbandoned: () => false,
  }
}

/** Truncates a line to one character more than a question may have, so that it is still rejected as too long. */
async function* linesOf(input: Readable): AsyncGenerator<string, undefined> {
  let rest = ''
  try {
    for await (const chunk of input.setEncoding('utf8')) {
      const [first = '', ...others] = String(chunk).split('\n')
      rest = (rest + first).slice(0, maxPromptCharacters + 1)
      for (const line of others) {
        yield rest.replace(/\r$/, '')
        rest = line.slice(0, maxPromptCharacters + 1)
      }
    }
  } catch (error) {
    if (!input.destroyed) throw error
  }
  yield rest
  return undefined
}
