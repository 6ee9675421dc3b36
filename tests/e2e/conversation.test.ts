import { beforeAll, describe, expect, test } from 'vitest'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { SensedConversation } from '../../src/events/chat.ts'
import { council as cli } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { adminToken } from '../support/served-council.ts'
import { serveForTests, type TestScene } from '../support/test-scene.ts'
import { rejection } from '../support/vllm-stand-in/script.ts'
import type { ReceivedRequest } from '../support/vllm-stand-in/server.ts'

/** The council of the block whose tests run. */
let scene: TestScene

/** A council of these roles for the tests of a block. */
function serveFor(roles: string): void {
  const ofBlock = serveForTests({ roles, model: { maxModelLen: 2048 } })
  beforeAll(() => void (scene = ofBlock))
}

/** Sends a prompt and waits for the whole answer; resolves with the request that the model got. */
async function turn(conversationId: string | undefined, text: string, ...tokens: string[]) {
  const answer = scene.model.nextAnswer({ tokens })
  const chat = await scene.connect()
  const requestId = chat.ask({ path: 'fast', text, conversationId })
  const sent = await answer.received
  await chat.frame('completed')
  return { requestId, sent, chat }
}

const said = (sent: ReceivedRequest) => sent.chat.messages.map(({ role, content }) => `${role}: ${content}`)
const persona = 'system: You are a helpful AI assistant.'
const sensedOf = async (requestId: Uuid7): Promise<unknown[]> =>
  (await scene.eventsOf(requestId, /ContextSensed/)).map(({ data }) => data['conversation'])

describe('a prompt of a conversation', () => {
  serveFor('api,worker,projector')

  test('shows the model the earlier turns, and the log says which', async () => {
    const conversationId = newId()
    const first = await turn(conversationId, 'My name is Anna.', 'Hello,', ' Anna.')
    const second = await turn(conversationId, 'Do you know my name?', 'Anna.')
    expect(said(first.sent)).toEqual([persona, 'user: My name is Anna.'])
    expect(said(second.sent)).toEqual([
      persona,
      'user: My name is Anna.',
      'assistant: Hello, Anna.',
      'user: Do you know my name?',
    ])
    expect(await sensedOf(first.requestId)).toEqual([{ conversationId, requestIds: [], omitted: 0 }])
    expect(await sensedOf(second.requestId)).toEqual([{ conversationId, requestIds: [first.requestId], omitted: 0 }])
    expect(first.chat.frames.some((frame) => frame.type === 'phase' && frame.phase === 'sense')).toBe(false)
    const sensed = { type: 'phase', phase: 'sense', state: 'completed', conversation: { turns: 1, omitted: 0 } }
    expect(second.chat.frames).toContainEqual(expect.objectContaining(sensed))
    const audit = await cli(scene.settings, ['audit', 'request', second.requestId])
    expect(audit.stdout).toContain(`the model saw 1 earlier turn(s): ${first.requestId}`)
  })

  test('without a conversation shows the model no earlier turn, and records none', async () => {
    await turn(undefined, 'My name is Anna.', 'Hello.')
    const { requestId, sent } = await turn(undefined, 'Do you know my name?', 'I do not know.')
    expect(said(sent)).toEqual([persona, 'user: Do you know my name?'])
    expect(await sensedOf(requestId)).toEqual([])
  })

  test('includes the text of an answer that failed or was cancelled, and no turn without text', async () => {
    const conversationId = newId()
    const chat = await scene.connect()
    const half = scene.model.nextAnswer({ gated: true })
    const requestId = chat.ask({ path: 'fast', conversationId, text: 'Count.' })
    await half.emit('One')
    await chat.frame('token')
    chat.send({ type: 'cancel', requestId })
    await chat.frame('cancelled')
    scene.model.nextAnswer({ trap: rejection })
    chat.ask({ path: 'fast', conversationId, text: 'Fail.' })
    await chat.frame('failed')
    const { sent } = await turn(conversationId, 'Go on.', 'Two.')
    expect(said(sent)).toEqual([persona, 'user: Count.', 'assistant: One', 'user: Go on.'])
  })

  test('omits a turn that is still in progress, even if part of it was streamed', async () => {
    const conversationId = newId()
    const slow = scene.model.nextAnswer({ gated: true })
    const chat = await scene.connect()
    chat.ask({ path: 'fast', conversationId, text: 'First question' })
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
    ['the maximum length', 'ü'.repeat(128)],
  ])('keeps conversations apart by an id with %s', async (_, odd) => {
    const conversationId = `${newId()}${odd}`.slice(0, 128)
    await turn(conversationId.slice(0, -1), 'In a conversation with a shorter name', 'A.')
    await turn(conversationId, 'In this one', 'B.')
    const { requestId, sent } = await turn(conversationId, 'Again', 'C.')
    expect(said(sent)).toEqual([persona, 'user: In this one', 'assistant: B.', 'user: Again'])
    const audit = await cli(scene.settings, ['audit', 'request', requestId], { columns: 500 })
    expect(audit.stdout).not.toMatch(/\u001b\[2J|\u202e/)
  })

  test.each([
    ['a NUL character', 'a\0'],
    ['half of a surrogate pair', 'a\ud800'],
  ])('is refused with %s in its conversation id, which Postgres cannot store', async (_, conversationId) => {
    const chat = await scene.connect()
    chat.send({ type: 'prompt', conversationId, text: 'Hello' })
    expect(await chat.frame('error')).toMatchObject({ code: 'malformed_frame' })
  })
})

describe('a conversation that is longer than the context window of the model', () => {
  serveFor('api,worker,projector')

  test('omits its oldest turns, and reports it in the frame, in the log and on the command line', async () => {
    const conversationId = newId()
    const long = Array.from({ length: 500 }, () => ' word')
    const asked: Uuid7[] = []
    for (const number of [1, 2, 3, 4]) asked.push((await turn(conversationId, `Question ${number}`, ...long)).requestId)
    const { requestId, sent, chat } = await turn(conversationId, 'And now?', 'Yes.')
    // 2,048 tokens less 512 for the answer have room for two turns of about 516 tokens.
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
    scene.model.nextAnswer({ tokens: ['Yes.'] })
    const ofServer = { ...scene.settings, COUNCIL_URL: scene.council.url, COUNCIL_TOKEN: adminToken }
    const run = await cli(ofServer, ['chat', 'Once more?', '--conversation', conversationId])
    expect(run.stderr).toContain('earlier turns of this conversation do not fit into the window of the model')
  })
})

describe('a conversation whose read model lags', () => {
  serveFor('api,worker')

  test('is answered without its earlier turns, marked as degraded, with the reason', async () => {
    const conversationId = newId()
    await turn(conversationId, 'My name is Anna.', 'Hello.')
    const { requestId, sent, chat } = await turn(conversationId, 'Do you know my name?', 'I do not know.')
    expect(said(sent)).toEqual([persona, 'user: Do you know my name?'])
    expect(await chat.frame('completed')).toMatchObject({ degraded: true })
    expect(chat.frames).toContainEqual(
      expect.objectContaining({ phase: 'sense', conversation: { turns: 0, omitted: null, reason: 'unavailable' } }),
    )
    expect(await sensedOf(requestId)).toEqual([
      { conversationId, requestIds: [], omitted: null, reason: 'unavailable' },
    ])
  })
})

describe('a worker that is killed during an answer', { timeout: 60_000 }, () => {
  serveFor('api,projector')

  test('is replaced by one that sends the same earlier turns, although the conversation has continued', async () => {
    const doomed = await scene.startWorker()
    const conversationId = newId()
    const first = await turn(conversationId, 'My name is Anna.', 'Hello.')
    const answer = scene.model.nextAnswer({ gated: true })
    const chat = await scene.connect()
    const requestId = chat.ask({ path: 'fast', conversationId, text: 'Do you know my name?' })
    const before = await answer.received
    // Another turn begins and ends after the first attempt has chosen the earlier turns.
    await turn(conversationId, 'And my age?', 'Forty.')
    const second = scene.model.nextAnswer({ tokens: ['Anna.'] })
    await doomed.kill()
    await scene.startWorker()
    expect(said(await second.received)).toEqual(said(before))
    await chat.frame('completed')
    expect(await sensedOf(requestId)).toEqual([
      SensedConversation.parse({ conversationId, requestIds: [first.requestId], omitted: 0 }),
    ])
    // A client that resumes gets the phase once.
    const again = await scene.connect()
    again.send({ type: 'resume', requestId })
    await again.frame('completed')
    expect(again.frames.filter((frame) => frame.type === 'phase' && frame.phase === 'sense')).toHaveLength(1)
  })
})
