import { setTimeout as pause } from 'node:timers/promises'
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import type { AnswerSource } from './answer-sources.ts'
import { newHistogram } from './closed-loop.ts'
import type { SampledToken } from './stages.ts'
import { nowMicros, numberedAnswer, promptOf, type Order } from './numbered-answer.ts'

/** Histograms of microseconds, compressed, in base64. */
export type Observed = {
  /** From the model's send to the client, for each token. */
  delays: string
  /** From the prompt to the first token, for each answer. */
  firsts: string
  tokens: number
  answers: number
  /** The answers that have failed since the first one was asked for. */
  failed: number
  seconds: number
  cpuMicros: number
  /** The last token of each piece, of a few answers. */
  sampled: SampledToken[]
}

/** Over all answers so far. `failures`: answers that ended otherwise than completed, by reason. */
export type Outcome = { answers: number; tokens: number; faults: number; failures: Record<string, number> }

/** The answers that each client asks for, one after the other. `spread`: the first answer of each client has a length of its own. */
export type Asked = { tokens: number; perSecond: number; spread: boolean }

/** Clients that keep one answer each in progress, and check every token. */
export type AnswerClients = {
  /** Adds clients, over a time, so that their answers do not start together. */
  grow: (to: number, overMs: number) => Promise<void>
  /** Observes for a time. */
  observe: (ms: number) => Promise<Observed>
  /** Asks for no more answers, and resolves when the running ones have ended. */
  finish: () => Promise<Outcome>
}

const maxFailures = 100
/** Every nth client's answers are sampled. */
const sampledEvery = 25
let answers = 0

export function answerClients(open: () => Promise<AnswerSource>, { tokens, perSecond, spread }: Asked): AnswerClients {
  const clients: Promise<void>[] = []
  const outcome: Outcome = { answers: 0, tokens: 0, faults: 0, failures: {} }
  let isFinishing = false
  const nothing = () => ({
    delays: newHistogram(),
    firsts: newHistogram(),
    tokens: 0,
    answers: 0,
    sampled: [] as SampledToken[],
  })
  let seen = nothing()

  const failed = (): number => Object.values(outcome.failures).reduce((sum, count) => sum + count, 0)

  function fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    outcome.failures[reason] = (outcome.failures[reason] ?? 0) + 1
    // A server that refuses everything must not be asked without end.
    isFinishing ||= failed() > maxFailures
  }

  async function ask(source: AnswerSource, order: Order, isSampled: boolean): Promise<void> {
    const answer = numberedAnswer(order)
    const askedAt = nowMicros()
    let isFirst = true
    let endOffset = 0
    try {
      const whole = await source.ask(promptOf(order), (text, requestId) => {
        const at = nowMicros()
        endOffset += text.length
        if (isFirst) seen.firsts.recordValue(Math.max(1, at - askedAt))
        isFirst = false
        const sent = answer.take(text)
        const last = sent.at(-1)
        if (isSampled && last !== undefined) seen.sampled.push({ requestId, endOffset, sentAt: last, arrivedAt: at })
        for (const sentAt of sent) {
          seen.delays.recordValue(Math.max(1, at - sentAt))
          seen.tokens += 1
          outcome.tokens += 1
        }
      })
      outcome.faults += answer.faults(whole)
      outcome.answers += 1
      seen.answers += 1
    } catch (error) {
      fail(error)
    }
  }

  async function run(client: number): Promise<void> {
    const source = await open().catch(fail)
    if (!source) return
    // 0.618…: the lengths of the first answers are spread evenly, however many clients there are.
    const first = spread ? Math.max(1, Math.ceil(tokens * ((client * 0.6180339887) % 1))) : tokens
    for (let length = first; !isFinishing; length = tokens)
      await ask(source, { answer: (answers++).toString(36), tokens: length, perSecond }, client % sampledEvery === 0)
    await source.close()
  }

  return {
    async grow(to, overMs) {
      const from = clients.length
      const startedAt = performance.now()
      while (clients.length < to) {
        const dueMs = startedAt + ((clients.length - from) * overMs) / (to - from) - performance.now()
        if (dueMs > 1) await pause(dueMs)
        clients.push(run(clients.length))
      }
    },
    async observe(ms) {
      seen = nothing()
      const startedAt = performance.now()
      const cpuBefore = process.cpuUsage()
      await pause(ms)
      const { user, system } = process.cpuUsage(cpuBefore)
      return {
        delays: encodeIntoCompressedBase64(seen.delays),
        firsts: encodeIntoCompressedBase64(seen.firsts),
        tokens: seen.tokens,
        answers: seen.answers,
        failed: failed(),
        seconds: (performance.now() - startedAt) / 1000,
        cpuMicros: user + system,
        sampled: seen.sampled,
      }
    },
    async finish() {
      isFinishing = true
      await Promise.all(clients)
      return outcome
    },
  }
}
