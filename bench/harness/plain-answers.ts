import { encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import type { AnswerSource } from './answer-sources.ts'
import { newHistogram } from './closed-loop.ts'
import { nowMicros } from './numbered-answer.ts'

/** Histograms of microseconds, compressed, in base64. `broken`: answers whose pieces do not add up to their text. */
export type PlainAnswers = { firsts: string; gaps: string; answers: number; pieces: number; broken: number }

/** Asks a model whose send times are unknown, several questions at once: measures the time to the first piece of text, and between pieces. */
export async function plainAnswers(
  open: () => Promise<AnswerSource>,
  questions: readonly string[],
  atOnce: number,
): Promise<PlainAnswers> {
  const firsts = newHistogram()
  const gaps = newHistogram()
  const result = { answers: 0, pieces: 0, broken: 0 }
  const left = [...questions]

  async function ask(source: AnswerSource, question: string): Promise<void> {
    let text = ''
    let before = nowMicros()
    const whole = await source.ask(question, (piece) => {
      const at = nowMicros()
      const times = text === '' ? firsts : gaps
      times.recordValue(Math.max(1, at - before))
      before = at
      text += piece
      result.pieces += 1
    })
    result.answers += 1
    if (text !== whole) result.broken += 1
  }
  async function run(): Promise<void> {
    const source = await open()
    for (let question = left.shift(); question !== undefined; question = left.shift()) await ask(source, question)
    await source.close()
  }
  await Promise.all(Array.from({ length: atOnce }, run))
  return { ...result, firsts: encodeIntoCompressedBase64(firsts), gaps: encodeIntoCompressedBase64(gaps) }
}
