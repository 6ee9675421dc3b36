import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { SensedConversation, chatStream } from '../../src/events/chat.ts'
import { connectChat, type ChatClient } from '../support/chat-client.ts'
import { council as cli } from '../support/cli.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { startVllmStandIn, type ReceivedRequest, type StandIn } from '../support/vllm-stand-in/server.ts'

let model: StandIn
let settings: Record<string, string>
let council: ServedCouncil
/** The log of the same council, looked at from outside. */
let log: TestCouncil

/** A council of these roles for the tests of a block. */
function serveFor(roles: string): void {
  beforeAll(async () => {
    model = await startVllmStandIn({ maxModelLen: 2048 })
    const councilId = freshCouncilId()
    settings = {
      COUNCIL_ID: councilId,
      REDIS_URL: redisUrl,
      REDIS_EPHEMERAL_URL: redisUrl,
      DATABASE_URL: await createDatabase(),
      VLLM_URL: model.url,
    }
    council = await serveCouncil(settings, roles)
    log = await openTestCouncil(redisUrl, councilId)
  })
  afterAll(async () => {
    log.close()
    await council.stop()
    await model.close()
  })
}

async function startWorker(): Promise<ServedCouncil> {
  const worker = await serveCouncil(settings, 'worker')
  onTestFinished(worker.kill)
  return worker
}

async function client(): Promise<ChatClient> {
  const opened = await connectChat(council.url)
  onTestFinished(opened.close)
  return opened
}

/** Asks and waits for the whole answer; resolves with what the model was sent. */
async function turn(
  conversationId: string | undefined,
  text: string,
  ...tokens: string[]
): Promise<{ requestId: Uuid7; sent: ReceivedRequest; chat: ChatClient }> {
  const requestId = newId()
  const answer = model.nextAnswer({ tokens })
  const chat = await client()
  chat.send({ type: 'prompt', requestId, text, ...(conversationId !== undefined && { conversationId }) })
  const sent = await answer.received
  await chat.frame('completed')
  return { requestId, sent, chat }
}

const said = (sent: ReceivedRequest) => sent.chat.messages.map(({ role, content }) => `${role}: ${content}`)
const persona = 'system: You are a helpful AI assistant.'
const sensedOf = async (requestId: Uuid7): Promise<unknown[]> =>
  (await log.events())
    .filter((event) => event.stream === chatStream(requestId) && event.type === 'ContextSensed')
    .map(({ data }) => (data as { conversation: unknown }).conversation)

describe('a prompt of a conversation', () => {
  serveFor('api,worker,projector')

  test('shows the model the earlier turns, and the log says which', async () => {
    const conversationId = newId()
    const first = await turn(conversationId, 'My name is Anna.', 'Hello,', ' Anna.')
    const second = await turn(conversationId, 'What is my name?', 'Anna.')
    expect(said(first.sent)).toEqual([persona, 'user: My name is Anna.'])
    expect(said(second.sent)).toEqual([
      persona,
      'user: My name is Anna.',
      'assistant: Hello, Anna.',
      'user: What is my name?',
    ])
    expect(await sensedOf(first.requestId)).toEqual([{ conversationId, requestIds: [], omitted: 0 }])
    expect(await sensedOf(second.requestId)).toEqual([{ conversationId, requestIds: [first.requestId], omitted: 0 }])
    expect(first.chat.frames.some((frame) => frame.type === 'phase' && frame.phase === 'sense')).toBe(false)
    expect(second.chat.frames).toContainEqual(
      expect.objectContaining({
        type: 'phase',
        phase: 'sense',
        state: 'completed',
        conversation: { turns: 1, omitted: 0 },
      }),
    )
    const audit = await cli(settings, ['audit', 'request', second.requestId])
    expect(audit.stdout).toContain(`the model saw 1 earlier turn(s): ${first.requestId}`)
  })

  test('that names no conversation sees nothing, and is recorded as before', async () => {
    await turn(undefined, 'My name is Anna.', 'Hello.')
    const { requestId, sent } = await turn(undefined, 'What is my name?', 'I do not know.')
    expect(said(sent)).toEqual([persona, 'user: What is my name?'])
    expect(await sensedOf(requestId)).toEqual([])
  })

  test('sees the text of an answer that failed or was cancelled, and nothing of one without text', async () => {
    const conversationId = newId()
    const chat = await client()
    const half = model.nextAnswer({ gated: true })
    const cancelled = newId()
    chat.send({ type: 'prompt', requestId: cancelled, conversationId, text: 'Count.' })
    await half.emit('One')
    await chat.frame('token')
    chat.send({ type: 'cancel', requestId: cancelled })
    await chat.frame('cancelled')
    model.nextAnswer({
      trap: {
        kind: 'status',
        status: 400,
        body: '{"error":{"message":"no","type":"BadRequestError","param":null,"code":400}}',
      },
    })
    chat.send({ type: 'prompt', requestId: newId(), conversationId, text: 'Fail.' })
    await chat.frame('failed')
    const { sent } = await turn(conversationId, 'Go on.', 'Two.')
    expect(said(sent)).toEqual([persona, 'user: Count.', 'assistant: One', 'user: Go on.'])
  })

  test('does not see another one that is still under way, whatever of it was streamed', async () => {
    const conversationId = newId()
    const slow = model.nextAnswer({ gated: true })
    const chat = await client()
    const requestId = newId()
    chat.send({ type: 'prompt', requestId, conversationId, text: 'First question' })
    await slow.emit('Half an')
    await chat.frame('token')
    const other = await turn(conversationId, 'Second question', 'Answer 2.')
    await slow.finish()
    await chat.frame('completed')
    expect(said(other.sent)).toEqual([persona, 'user: Second question'])
    expect(said((await turn(conversationId, 'Third question', 'Answer 3.')).sent)).toEqual([
      persona,
      'user: Second question',
      'assistant: Answer 2.',
      'user: First question',
      'assistant: Half an',
      'user: Third question',
    ])
  })

  test.each([
    ['quotes and SQL', `x' or actor is not null; drop table read_models.chats; -- "`],
    ['control characters and other scripts', '\u001b[2J\u202e対話\n\t%_\\'],
    ['the longest there is', 'ü'.repeat(128)],
  ])('is kept apart by a conversation id with %s', async (_, odd) => {
    const conversationId = `${newId()}${odd}`.slice(0, 128)
    await turn(conversationId.slice(0, -1), 'In a conversation with a shorter name', 'A.')
    await turn(conversationId, 'In this one', 'B.')
    const { requestId, sent } = await turn(conversationId, 'Again', 'C.')
    expect(said(sent)).toEqual([persona, 'user: In this one', 'assistant: B.', 'user: Again'])
    const audit = await cli(settings, ['audit', 'request', requestId], { columns: 500 })
    expect(audit.stdout).not.toMatch(/\u001b\[2J|\u202e/)
  })

  test.each([
    ['a NUL character', 'a\0'],
    ['half of a surrogate pair', 'a\ud800'],
  ])(
    'is refused with %s in its conversation id, which Postgres could not tell from another',
    async (_, conversationId) => {
      const chat = await client()
      chat.send({ type: 'prompt', requestId: newId(), conversationId, text: 'Hello' })
      expect(await chat.frame('error')).toMatchObject({ code: 'malformed_frame' })
    },
  )
})

describe('a conversation that is longer than the window of the model', () => {
  serveFor('api,worker,projector')

  test('loses its oldest turns, and says so in the frame, in the log and on the command line', async () => {
    const conversationId = newId()
    const long = Array.from({ length: 500 }, () => ' word')
    const asked: Uuid7[] = []
    for (const number of [1, 2, 3, 4]) asked.push((await turn(conversationId, `Question ${number}`, ...long)).requestId)
    const { requestId, sent, chat } = await turn(conversationId, 'And now?', 'Yes.')
    // 2,048 tokens, less 512 for the answer: two turns of about 516 fit, three do not.
    expect(said(sent).filter((line) => line.startsWith('user'))).toEqual([
      'user: Question 3',
      'user: Question 4',
      'user: And now?',
    ])
    expect(await sensedOf(requestId)).toEqual([
      { conversationId, requestIds: asked.slice(2), omitted: 2, reason: 'window' },
    ])
    expect(chat.frames).toContainEqual(
      expect.objectContaining({ phase: 'sense', conversation: { turns: 2, omitted: 2, reason: 'window' } }),
    )
    model.nextAnswer({ tokens: ['Yes.'] })
    const run = await cli(
      { ...settings, COUNCIL_URL: council.url, COUNCIL_TOKEN: 'a-token-for-tests-that-is-long-enough' },
      ['chat', 'Once more?', '--conversation', conversationId],
    )
    expect(run.stderr).toContain('earlier turns of this conversation do not fit into the window of the model')
  })
})

describe('a conversation whose read model is behind', () => {
  serveFor('api,worker')

  test('is answered without its earlier turns, marked as degraded, and says why', async () => {
    const conversationId = newId()
    await turn(conversationId, 'My name is Anna.', 'Hello.')
    const { requestId, sent, chat } = await turn(conversationId, 'What is my name?', 'I do not know.')
    expect(said(sent)).toEqual([persona, 'user: What is my name?'])
    expect(await chat.frame('completed')).toMatchObject({ degraded: true })
    expect(chat.frames).toContainEqual(
      expect.objectContaining({ phase: 'sense', conversation: { turns: 0, omitted: null, reason: 'unavailable' } }),
    )
    expect(await sensedOf(requestId)).toEqual([
      { conversationId, requestIds: [], omitted: null, reason: 'unavailable' },
    ])
  })
})

describe('a worker that is killed while it answers', () => {
  serveFor('api,projector')

  test('is replaced by one that sends the same earlier turns, although the conversation went on meanwhile', async () => {
    const doomed = await startWorker()
    const conversationId = newId()
    const first = await turn(conversationId, 'My name is Anna.', 'Hello.')
    const answer = model.nextAnswer({ gated: true })
    const chat = await client()
    const requestId = newId()
    chat.send({ type: 'prompt', requestId, conversationId, text: 'What is my name?' })
    const before = await answer.received
    // Another turn begins and ends: it is none of the earlier ones.
    await turn(conversationId, 'And my age?', 'Forty.')
    const second = model.nextAnswer({ tokens: ['Anna.'] })
    await doomed.kill()
    await startWorker()
    expect(said(await second.received)).toEqual(said(before))
    await chat.frame('completed')
    expect(await sensedOf(requestId)).toEqual([
      SensedConversation.parse({ conversationId, requestIds: [first.requestId], omitted: 0 }),
    ])
    // Whoever resumes hears of it once.
    const again = await client()
    again.send({ type: 'resume', requestId })
    await again.frame('completed')
    expect(again.frames.filter((frame) => frame.type === 'phase' && frame.phase === 'sense')).toHaveLength(1)
  })
})
