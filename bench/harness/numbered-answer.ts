/** Answers whose tokens name their answer, their number and the time at which the model sent them. */

/**
 * Microseconds of CLOCK_MONOTONIC, which all processes of a machine share. (`performance.now()` starts anew in each process.)
 */
export const nowMicros = (): number => Number(process.hrtime.bigint() / 1000n)

/** What a client asks of the paced model. `answer`: letters and digits, unique in a run. */
export type Order = { answer: string; tokens: number; perSecond: number }

export const promptOf = ({ answer, tokens, perSecond }: Order): string =>
  `Write answer ${answer} with ${tokens} tokens at ${perSecond} per second.`

/** Null for a prompt that `promptOf` did not write. */
export function orderIn(prompt: string): Order | null {
  const [, answer, tokens, perSecond] =
    /^Write answer (\w+) with (\d+) tokens at (\d+) per second\.$/.exec(prompt) ?? []
  return answer === undefined ? null : { answer, tokens: Number(tokens), perSecond: Number(perSecond) }
}

/** The tokens of an answer after `soFar`, the text that it already has. `stamped` completes each with the time when it is sent. */
export function tokensOf({ answer, tokens }: Order, soFar = ''): string[] {
  const from = soFar === '' ? 0 : soFar.split(' ').length
  return Array.from({ length: Math.max(0, tokens - from) }, (_, index) => {
    const number = from + index
    return `${number === 0 ? '' : ' '}${answer}.${number}@`
  })
}
export const stamped = (token: string): string => `${token}${nowMicros().toString(36)}`

/** A client's view of one answer. */
export type NumberedAnswer = {
  /** Takes a piece of the answer, which has whole tokens. Returns the time at which the model sent each of them. */
  take: (text: string) => number[]
  /** Tokens that were lost, came twice, in a wrong place or from another answer. `whole`: the text that the server ends with. */
  faults: (whole: string) => number
}

/** Checks that the tokens of an answer come exactly once and in order. */
export function numberedAnswer({ answer, tokens }: Order): NumberedAnswer {
  const pieces: string[] = []
  let next = 0
  let wrong = 0
  return {
    take(text) {
      pieces.push(text)
      const times: number[] = []
      for (const token of text.trimStart().split(' ')) {
        const [, of, number, at] = /^(\w+)\.(\d+)@([0-9a-z]+)$/.exec(token) ?? []
        if (of === answer && Number(number) === next && at !== undefined) {
          next += 1
          times.push(Number.parseInt(at, 36))
        } else {
          wrong += 1
          // After a loss, the tokens that follow are not counted as lost too.
          if (of === answer) next = Number(number) + 1
        }
      }
      return times
    },
    faults: (whole) => wrong + Math.max(0, tokens - next) + (pieces.join('') === whole ? 0 : 1),
  }
}
