import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ServerFrame } from '../../src/api/chat/frames.ts'
import { maxAnswerCharacters } from '../../src/events/chat.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { connectChat } from '../support/chat-client.ts'
import { council as cli } from '../support/cli.ts'
import { openTestCouncil, type TestCouncil } from '../support/council.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings, redisUrl, type CouncilSettings } from '../support/shared-servers.ts'
import type { AnswerScript, InStream, Trap } from '../support/vllm-stand-in/script.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

/** Model servers misbehave: every prompt still ends once, is paid for, and reports the outcome. */
const whole = 'alpha beta gamma delta epsilon'
let model: StandIn
let settings: CouncilSettings
let log: TestCouncil
beforeAll(async () => {
  // An answer without a script continues the text that its chat template shows it.
  const rest = (seen: string) => whole.slice(whole.startsWith(seen) ? seen.length : 0)
  model = await startVllmStandIn({
    trims: true,
    answer: ({ chat }) => ({ tokens: [rest(chat.continues ? (chat.messages.at(-1)?.content ?? '') : '')] }),
  })
  settings = await councilSettings({ VLLM_URL: model.url })
  log = await openTestCouncil(redisUrl, settings.COUNCIL_ID)
})
afterAll(async () => {
  log.close()
  await model.close()
})

type Ending = Extract<ServerFrame, { type: 'completed' | 'failed' | 'cancelled' }>
type Asked = { requestId: Uuid7; ending: Ending; streamed: string; calls: number }

/** Sends a prompt and waits for its end; `calls` is the number of its model calls. */
async function ask(council: ServedCouncil, ...scripts: AnswerScript[]): Promise<Asked> {
  for (const script of scripts) model.nextAnswer(script)
  const client = await connectChat(council.url)
  const requestId = client.ask()
  const ending = await Promise.any([client.frame('completed'), client.frame('failed')])
  const calls = model.received.filter((received) => received.requestId.startsWith(requestId)).length
  client.close()
  return { requestId, ending, streamed: client.text(), calls }
}

async function dataOf(requestId: Uuid7, type: string): Promise<Record<string, unknown>[]> {
  const events = (await log.events()).filter(
    ({ metadata, type: found }) => metadata.requestId === requestId && found === type,
  )
  return events.map(({ data }) => data as Record<string, unknown>)
}
const reservedFor = async (requestId: Uuid7) => (await dataOf(requestId, 'BudgetReserved'))[0]?.['amountMicros']
const deltas = (content: object) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: content, finish_reason: null }] })}\n\n`
const repeated = (bytes: string): InStream => ({ kind: 'repeat', bytes, everyMs: 20 })
const tooLong = { tokens: Array.from({ length: 102 }, () => 'x'.repeat(10_000)) }

/** A council with other settings, for one test. */
async function serve(more: Record<string, string>): Promise<ServedCouncil> {
  const council = await serveCouncil({ ...settings, ...more })
  onTestFinished(async () => void (await council.stop()))
  return council
}

describe('with the default limits', () => {
  let council: ServedCouncil
  beforeAll(async () => {
    council = await serveCouncil(settings)
  })
  afterAll(() => council.stop())
  afterEach(async () => {
    expect(await log.redis.xlen(log.keys.work)).toBe(0)
  })
  const chat = (...args: string[]) =>
    cli({ COUNCIL_URL: council.url, COUNCIL_TOKEN: adminToken }, ['chat', 'Say the Greek letters.', ...args])

  test.each([
    ['characters', 'x', maxAnswerCharacters],
    ['control characters, which take six bytes in the log', '\u0001', Math.floor(maxAnswerCharacters / 6)],
    ['characters of four bytes', '🎉', maxAnswerCharacters],
  ])('102 deltas of 10,000 %s become an answer that is cut off, after one call', async (_, character, characters) => {
    const { requestId, ending, streamed, calls } = await ask(council, {
      tokens: Array.from({ length: 102 }, () => character.repeat(10_000)),
    })
    expect(ending).toMatchObject({ type: 'completed', finishReason: 'length', degraded: false })
    expect(streamed).toHaveLength(characters)
    expect((ending as { text: string }).text === streamed).toBe(true)
    expect(calls).toBe(1)
    const debit = { usage: 'unknown', actualMicros: await reservedFor(requestId) }
    expect(await dataOf(requestId, 'BudgetDebited')).toEqual([expect.objectContaining(debit)])
    expect((await dataOf(requestId, 'AnswerCompleted'))[0]?.['text'] === streamed).toBe(true)
  })

  test('an answer that grows over the limit closes the socket of its model', async () => {
    const answer = model.nextAnswer({ ...tooLong, trap: { kind: 'stall' } })
    expect((await ask(council)).ending).toMatchObject({ type: 'completed', finishReason: 'length' })
    await answer.disconnected
  })

  test('the command line prints an answer that the council cut off, reports the cut, and succeeds', async () => {
    model.nextAnswer(tooLong)
    const { code, stdout, stderr } = await chat()
    expect({ code, characters: stdout.length }).toEqual({ code: 0, characters: maxAnswerCharacters + 1 })
    expect(stderr).toContain('cut off at the length limit')
  })

  test('the command line prints an answer that the model cut off, reports the cut, and succeeds', async () => {
    model.nextAnswer({ tokens: ['One', ' two'], finishReason: 'length' })
    expect(await chat()).toMatchObject({
      code: 0,
      stdout: 'One two\n',
      stderr: expect.stringContaining('cut off at the length limit'),
    })
  })

  test('reasoning that uses up the limit is a failure that names the setting to change', async () => {
    const reasoning: InStream = {
      kind: 'deltas',
      deltas: [{ reasoning: 'Hm, letters.' }, { reasoning_content: 'Greek ones.' }],
      afterTokens: 0,
    }
    model.nextAnswer({ tokens: [''], finishReason: 'length', trap: reasoning })
    const { code, stdout, stderr } = await chat()
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('ANSWER_MAX_TOKENS')
  })

  test.each<[string, AnswerScript]>([
    ['no tokens', { tokens: [] }],
    ['white space', { tokens: [' ', '\n', ' '] }],
    ['a tool call', { tokens: [], trap: { kind: 'other-finish', reason: 'tool_calls' } }],
  ])('an answer of %s is a failure, not an empty success', async (_, script) => {
    const ending = { type: 'failed', code: 'empty_answer' }
    expect(await ask(council, script)).toMatchObject({ ending, streamed: '', calls: 1 })
  })

  const degraded = { type: 'completed', degraded: true }
  test.each<[string, Trap, object]>([
    ['tool_calls', { kind: 'other-finish', reason: 'tool_calls' }, degraded],
    ['content_filter', { kind: 'other-finish', reason: 'content_filter' }, { type: 'failed', code: 'answer_filtered' }],
    ['an empty finish reason', { kind: 'other-finish', reason: '' }, degraded],
    ['[DONE] and no finish reason', { kind: 'no-finish' }, degraded],
    ['stop and no [DONE]', { kind: 'no-done' }, { type: 'completed', degraded: false, finishReason: 'stop' }],
    [
      'null deltas',
      { kind: 'bytes', bytes: Buffer.from('data: {"choices":[{"delta":null}]}\n\n') },
      { type: 'completed', degraded: false },
    ],
  ])('an answer that ends with %s is finished, and paid for once', async (_, trap, expected) => {
    const asked = await ask(council, { tokens: ['One'], trap })
    expect(asked).toMatchObject({ ending: expected, streamed: 'One', calls: 1 })
  })

  test.each([
    ['no tokens', { prompt_tokens: 0, completion_tokens: 0 }],
    ['absurd figures', { prompt_tokens: 1e12, completion_tokens: 1e12 }],
    ['no figures', null],
    ['a word', 'many'],
  ])('an answer with %s in its usage costs the reserved amount', async (_, finalUsage) => {
    const trap = { kind: 'no-continuous-usage' } as const
    const { requestId, ending } = await ask(council, { tokens: ['One'], finalUsage, trap })
    const reserved = await reservedFor(requestId)
    expect(ending).toMatchObject({ type: 'completed', text: 'One', costMicros: reserved })
    expect(await dataOf(requestId, 'ModelCallEnded')).toEqual([
      expect.objectContaining({ usage: 'unknown', costMicros: reserved }),
    ])
  })

  test.each([{ prompt_tokens: 0, completion_tokens: 0 }, null])(
    'usage that falls to %j at the end is corrected, and recorded and shown as corrected',
    async (finalUsage) => {
      const { requestId, ending } = await ask(council, { tokens: ['One', ' two'], finalUsage })
      const [debit] = await dataOf(requestId, 'BudgetDebited')
      expect(debit).toMatchObject({ usage: 'corrected', completionTokens: 3 })
      expect(ending).toMatchObject({
        type: 'completed',
        costMicros: debit?.['actualMicros'],
        usage: { completionTokens: 3 },
      })
      const { REDIS_URL, COUNCIL_ID, DATABASE_URL } = settings
      const audited = await cli({ REDIS_URL, COUNCIL_ID, DATABASE_URL }, ['audit', 'request', requestId])
      expect(audited).toMatchObject({ code: 0, stdout: expect.stringContaining('(corrected)') })
    },
  )

  test.each<[string, AnswerScript]>([
    ['after a space that its template trims', { tokens: ['alpha beta gamma delta '], trap: { kind: 'cut-socket' } }],
    ['after line ends', { tokens: ['alpha beta gamma', ' \n\n \t'], trap: { kind: 'cut-socket' } }],
    ['after half a character', { tokens: ['alpha', ' beta', ' \ud83c'], trap: { kind: 'cut-socket' } }],
    ['in the middle of a word', { tokens: ['alpha be'], trap: { kind: 'early-end' } }],
    ['before its first word', { tokens: [' '], trap: { kind: 'cut-socket' } }],
  ])('an answer cut %s has no seam', async (_, script) => {
    const ending = { type: 'completed', text: whole }
    expect(await ask(council, script)).toMatchObject({ ending, streamed: whole, calls: 2 })
  })

  test('half a character in a delta is completed by the next delta or replaced', async () => {
    model.nextAnswer({ tokens: ['a\ud83c', '\udf89 b\ud83c', ' c', ' d\ud83c'] })
    expect(await chat()).toMatchObject({ code: 0, stdout: 'a🎉 b\uFFFD c d\uFFFD\n' })
  })
})

describe('a server that sends no text', () => {
  let impatient: ServedCouncil
  beforeAll(async () => {
    impatient = await serveCouncil({ ...settings, VLLM_IDLE_TIMEOUT_MS: '700', WORKER_CONCURRENCY: '2' })
  })
  afterAll(() => impatient.stop())

  const usage = (completion_tokens: number) =>
    `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 37, completion_tokens } })}\n\n`
  test.each([
    ['comments', ': still here\n\n'],
    ['empty deltas', deltas({ content: '' }) + deltas({}) + deltas({ content: null })],
    ['tool calls', deltas({ tool_calls: [{ index: 0, function: { arguments: '"' } }] })],
    ['the same usage', usage(1)],
    ['usage that rises and falls', usage(1) + usage(0)],
    ['absurd usage', usage(1e9) + usage(1e10)],
  ])('gets no more time for %s: the answer fails, and its socket is closed', async (_, bytes) => {
    const answer = model.nextAnswer({ tokens: ['One'], trap: repeated(bytes) })
    const { ending, streamed } = await ask(impatient)
    expect({ ending, streamed }).toMatchObject({ ending: { type: 'failed', code: 'model_timeout' }, streamed: 'One' })
    await answer.disconnected
  })

  test('blocks no worker: after two such streams on two places a third prompt is answered', async () => {
    const silent: AnswerScript = { tokens: ['One'], trap: repeated(': still here\n\n') }
    await Promise.all([ask(impatient, silent), ask(impatient, silent)])
    expect((await ask(impatient, { tokens: ['Two'] })).ending).toMatchObject({ type: 'completed', text: 'Two' })
  })
})

describe('a deadline for the whole answer', () => {
  test('cuts off a model that never ends, and the used tokens are paid for', async () => {
    const hurried = await serve({ ANSWER_TIMEOUT_MS: '1500', ANSWER_MAX_TOKENS: '2000' })
    const answer = model.nextAnswer({ trap: { ...repeated(deltas({ content: ' and' })), afterTokens: 0 } })
    const { requestId, ending, streamed } = await ask(hurried)
    expect(ending).toMatchObject({ type: 'failed', code: 'model_timeout', costMicros: await reservedFor(requestId) })
    expect(streamed).toMatch(/^( and)+$/)
    await answer.disconnected
    expect((await dataOf(requestId, 'AnswerFailed'))[0]).toMatchObject({
      text: streamed,
      message: expect.stringContaining('ANSWER_TIMEOUT_MS'),
    })
  })
})

describe('a call that waits for a place at the model', () => {
  test('costs nothing when its prompt is cancelled', async () => {
    const narrow = await serve({ VLLM_CONCURRENCY: '1', WORKER_CONCURRENCY: '2' })
    const running = model.nextAnswer({ gated: true })
    const first = ask(narrow)
    await running.received
    const client = await connectChat(narrow.url)
    const requestId = client.ask()
    await client.frame('phase')
    client.send({ type: 'cancel', requestId })
    expect(await client.frame('cancelled')).toMatchObject({ costMicros: 0 })
    expect(await dataOf(requestId, 'BudgetReleased')).toEqual([
      expect.objectContaining({ amountMicros: await reservedFor(requestId) }),
    ])
    await running.emit('One')
    await running.finish()
    expect((await first).ending).toMatchObject({ type: 'completed', text: 'One' })
  })
})
