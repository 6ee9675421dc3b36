import { describe, expect, onTestFinished, test } from 'vitest'
import { answerClients } from '../../bench/harness/answer-clients.ts'
import { directSource, type AnswerSource } from '../../bench/harness/answer-sources.ts'
import { percentilesOf } from '../../bench/harness/closed-loop.ts'
import { nowMicros, numberedAnswer, orderIn, promptOf, stamped, tokensOf } from '../../bench/harness/numbered-answer.ts'
import { requireOpenFiles } from '../../bench/harness/open-files.ts'
import { MissingPrerequisite } from '../../bench/harness/peers.ts'
import { plainAnswers } from '../../bench/harness/plain-answers.ts'
import { usageOf, watchProcesses } from '../../bench/harness/process-usage.ts'
import { stagesOf } from '../../bench/harness/stages.ts'
import { tokenWriter } from '../../src/agents/tokens/token-stream.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'
import { newId } from '../support/council.ts'
import { startRedis } from '../support/servers.ts'
import { startVllmStandIn } from '../support/vllm-stand-in/server.ts'

const order = { answer: 'k3', tokens: 5, perSecond: 1_000 }
const asked = { tokens: 5, perSecond: 1_000, spread: false }

/** A client's model server that writes what is ordered. */
async function orderedModel() {
  const model = await startVllmStandIn({
    answer: ({ chat }) => {
      const found = orderIn(chat.messages.at(-1)?.content ?? '')
      return found
        ? { tokens: tokensOf(found), tokensPerSecond: found.perSecond, complete: stamped }
        : { tokens: ['Once', ' upon', ' a time.'] }
    },
  })
  onTestFinished(model.close)
  return () => Promise.resolve(directSource({ url: model.url, model: 'smollm2', persona: 'Be brief.', maxTokens: 100 }))
}

/** The answers of a source whose pieces a test changes. */
const changed =
  (open: () => Promise<AnswerSource>, change: (pieces: string[]) => string[]): (() => Promise<AnswerSource>) =>
  async () => {
    const source = await open()
    return {
      ...source,
      async ask(prompt, onText) {
        const pieces: string[] = []
        const whole = await source.ask(prompt, (piece) => void pieces.push(piece))
        for (const piece of change(pieces)) onText(piece, '')
        return whole
      },
    }
  }

describe('a numbered answer', () => {
  const tokens = tokensOf(order).map((token) => stamped(token))

  test('is what its prompt orders', () => {
    expect(orderIn(promptOf(order))).toEqual(order)
    expect(orderIn('What is the capital of France?')).toBeNull()
    expect(tokensOf(order)).toEqual(['k3.0@', ' k3.1@', ' k3.2@', ' k3.3@', ' k3.4@'])
  })

  test('goes on after the text that it has', () => {
    const soFar = tokens.slice(0, 2).join('')
    expect(tokensOf(order, soFar)).toEqual([' k3.2@', ' k3.3@', ' k3.4@'])
    expect(tokensOf(order, tokens.join(''))).toEqual([])
  })

  test('has the time of each token, also of several in one piece', () => {
    const before = nowMicros()
    const sent = tokensOf(order).map((token) => stamped(token))
    const { take, faults } = numberedAnswer(order)
    const times = [...take(sent[0] ?? ''), ...take(sent.slice(1).join(''))]
    expect(times.length).toBe(5)
    for (const time of times) {
      expect(time).toBeGreaterThanOrEqual(before)
      expect(time).toBeLessThanOrEqual(nowMicros())
    }
    expect(faults(sent.join(''))).toBe(0)
  })

  test.each([
    ['the last token is lost', [0, 1, 2, 3], 1],
    ['a token in the middle is lost', [0, 1, 3, 4], 1],
    ['a token comes twice', [0, 1, 1, 2, 3, 4], 1],
    ['two tokens change places', [0, 2, 1, 3, 4], 3],
    ['nothing comes', [], 5],
  ])('has faults when %s', (_, order_, expected) => {
    const { take, faults } = numberedAnswer(order)
    const pieces = order_.map((index) => tokens[index] ?? '')
    for (const piece of pieces) take(piece)
    expect(faults(pieces.join(''))).toBe(expected)
  })

  test('has faults when it contains tokens of another one, or ends with another text', () => {
    const other = numberedAnswer(order)
    for (const token of tokensOf({ ...order, answer: 'k4' })) other.take(stamped(token))
    expect(other.faults('')).toBeGreaterThan(5)
    const { take, faults } = numberedAnswer(order)
    for (const token of tokens) take(token)
    expect(faults(`${tokens.join('')}.`)).toBe(1)
  })
})

describe('the clients of a benchmark', () => {
  test('measure every token from the model to themselves, and find each in its place', async () => {
    const clients = answerClients(await orderedModel(), asked)
    await clients.grow(3, 10)
    let observed = await clients.observe(50)
    while (observed.tokens === 0) observed = await clients.observe(50)
    const outcome = await clients.finish()
    expect(outcome).toMatchObject({ faults: 0, failures: {} })
    expect(outcome.tokens).toBe(outcome.answers * 5)
    expect(outcome.answers).toBeGreaterThanOrEqual(3)
    const { p50, max } = percentilesOf([{ latencies: observed.delays }])
    expect(p50).toBeGreaterThan(0)
    expect(max).toBeLessThan(10_000)
  })

  test.each([
    ['lost', (pieces: string[]) => pieces.slice(1)],
    ['doubled', (pieces: string[]) => [...pieces, ...pieces.slice(-1)]],
  ])('find pieces that were %s', async (_, change) => {
    const clients = answerClients(changed(await orderedModel(), change), asked)
    await clients.grow(1, 0)
    await clients.observe(50)
    const { answers, faults } = await clients.finish()
    expect(faults).toBeGreaterThanOrEqual(answers)
  })

  test('count answers that fail, and stop when nothing works', async () => {
    const clients = answerClients(() => Promise.reject(new Error('refused')), asked)
    await clients.grow(3, 0)
    expect(await clients.finish()).toMatchObject({ answers: 0, failures: { refused: 3 } })
  })

  test('also read a model that writes what it wants', async () => {
    const read = await plainAnswers(await orderedModel(), ['Tell a story.', 'Tell another.'], 2)
    expect(read).toMatchObject({ answers: 2, pieces: 6, broken: 0 })
    const broken = await plainAnswers(
      changed(await orderedModel(), (pieces) => pieces.slice(1)),
      ['Tell a story.'],
      1,
    )
    expect(broken).toMatchObject({ answers: 1, broken: 1 })
  })
})

test('the delay of a token is split at its entry in the token stream', async () => {
  const server = await startRedis({ appendfsync: 'no' })
  const redis = connectRedis({ url: server.url, role: 'command', name: 'test', logger: silentLogger })
  onTestFinished(async () => {
    redis.disconnect()
    await server.stop()
  })
  await whenRedisReady(redis, 5_000)
  const requestId = newId()
  const write = tokenWriter(redis, 'main')
  const sentAt = nowMicros()
  await write(requestId, 1, 0, '')
  await write(requestId, 1, 0, 'Paris')
  const arrivedAt = nowMicros()
  const unknown = { requestId, endOffset: 99, sentAt, arrivedAt }
  const { toRedis, toClient } = await stagesOf(server.url, [{ requestId, endOffset: 5, sentAt, arrivedAt }, unknown])
  expect([toRedis.length, toClient.length]).toEqual([1, 1])
  expect((toRedis[0] ?? 0) + (toClient[0] ?? 0)).toBeCloseTo((arrivedAt - sentAt) / 1000)
})

test('the use of a process is its own', () => {
  const watched = watchProcesses({ here: process.pid })
  const before = watched.mark()
  const until = performance.now() + 200
  while (performance.now() < until);
  expect(watched.coresSince(before).here).toBeGreaterThan(0)
  expect(usageOf(process.pid).residentBytes).toBeGreaterThan(20e6)
})

test('too few open files are a missing prerequisite that names the command', () => {
  expect(() => requireOpenFiles(1_000_000_000)).toThrow(MissingPrerequisite)
  expect(() => requireOpenFiles(1_000_000_000)).toThrow('ulimit -n 1000000000')
  expect(() => requireOpenFiles(10)).not.toThrow()
})
