import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, describe, expect, test } from 'vitest'
import type { ServerFrame } from '../../../src/api/chat/frames.ts'
import { ConnectionLost } from '../../../src/cli/chat/connection.ts'
import { converse } from '../../../src/cli/chat/conversation.ts'
import { CliError } from '../../../src/cli/failure.ts'
import { Position, type Uuid7 } from '../../../src/events/identifiers.ts'
import { writeServerFile } from '../../../src/platform/process/server-file.ts'
import { standInToken, startChatStandIn, type ChatStandIn, type Visit } from '../../support/chat-stand-in.ts'
import { council as cli, type CliSetting } from '../../support/cli.ts'
import { newId } from '../../support/council.ts'

const at = (place: number) => `1795448595415-${place}~${place}`

const said = {
  accepted: (requestId: Uuid7): ServerFrame => ({ type: 'accepted', requestId, id: at(1) }),
  routed: (requestId: Uuid7): ServerFrame => ({
    type: 'routed',
    requestId,
    id: at(2),
    path: 'fast',
    intent: 'question',
    by: 'rule',
    confidence: 1,
  }),
  token: (requestId: Uuid7, text: string, place: number): ServerFrame => ({
    type: 'token',
    requestId,
    id: at(place),
    text,
  }),
  completed: (requestId: Uuid7, text: string): ServerFrame => ({
    type: 'completed',
    requestId,
    id: at(9),
    text,
    finishReason: 'stop',
    costMicros: 38,
    usage: { promptTokens: 1120, completionTokens: 34 },
    timings: { queuedMs: 3.4, firstTokenMs: 41.2, totalMs: 812 },
    degraded: false,
    positions: { first: Position.parse('1-0'), last: Position.parse('9-0') },
  }),
  cancelled: (requestId: Uuid7): ServerFrame => ({ type: 'cancelled', requestId, id: at(9), costMicros: 12 }),
}

async function standIn(options?: Parameters<typeof startChatStandIn>[0]): Promise<ChatStandIn> {
  const server = await startChatStandIn(options)
  onTestFinished(server.close)
  return server
}

const ask = (server: Pick<ChatStandIn, 'url'>, args: readonly string[] = [], setting: CliSetting = {}) =>
  cli({ COUNCIL_URL: server.url, COUNCIL_TOKEN: standInToken }, ['chat', 'Why is the sky blue?', ...args], setting)

/** The request id of a client's prompt. */
async function prompted(visit: Visit): Promise<Uuid7> {
  const frame = await visit.next()
  if (frame.type !== 'prompt' || !frame.requestId)
    throw new Error(`expected a prompt with an id, not ${JSON.stringify(frame)}`)
  return frame.requestId
}

/** The first part of an answer: accepted, routed, and the text so far. */
function begin(visit: Visit, requestId: Uuid7, text: string): void {
  visit.say(said.accepted(requestId))
  visit.say(said.routed(requestId))
  visit.say(said.token(requestId, text, 3))
}

describe('council chat', () => {
  test('prints the answer as it comes, and in the end what it cost and how long it took', async () => {
    const server = await standIn()
    const running = ask(server, ['--path', 'fast', '--conversation', 'c1'])
    const visit = await server.visits()
    const frame = await visit.next()
    expect(frame).toMatchObject({ type: 'prompt', text: 'Why is the sky blue?', path: 'fast', conversationId: 'c1' })
    const { requestId } = frame as { requestId: Uuid7 }
    begin(visit, requestId, 'Because of ')
    visit.say({ type: 'a_frame_of_a_newer_server', requestId, wisdom: 42 })
    visit.say(said.token(requestId, 'Rayleigh.', 4))
    visit.say(said.completed(requestId, 'Because of Rayleigh.'))
    expect(await running).toMatchObject({
      code: 0,
      stdout: 'Because of Rayleigh.\n',
      stderr: '$0.000038 (38 µ$) · 1,120 + 34 tokens · queued 3 ms, first token 41 ms, total 812 ms · fast path\n',
    })
  })

  test('says that an answer was cut off at the length limit, which is no failure', async () => {
    const server = await standIn()
    const running = ask(server)
    const visit = await server.visits()
    const requestId = await prompted(visit)
    begin(visit, requestId, 'Because of')
    visit.say({ ...said.completed(requestId, 'Because of'), finishReason: 'length' })
    expect(await running).toMatchObject({
      code: 0,
      stdout: 'Because of\n',
      stderr: expect.stringContaining(' · cut off at the length limit') as unknown,
    })
  })

  test('prints the frames of the server as they are where JSON is asked for', async () => {
    const server = await standIn()
    const running = ask(server, ['--json'])
    const visit = await server.visits()
    const requestId = await prompted(visit)
    const frames = [
      said.accepted(requestId),
      { type: 'a_frame_of_a_newer_server', requestId, wisdom: 42 },
      said.token(requestId, 'Yes.', 3),
      said.completed(requestId, 'Yes.'),
    ]
    for (const frame of frames) visit.say(frame)
    const run = await running
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.json()).toEqual(frames)
  })

  test('shows a terminal no control characters of the model', async () => {
    const server = await standIn()
    const running = ask(server, [], { columns: 80, noColor: true })
    const visit = await server.visits()
    const requestId = await prompted(visit)
    visit.say(said.token(requestId, 'a\u001b]0;gotcha\u0007b\n', 3))
    visit.say(said.completed(requestId, 'a\u001b]0;gotcha\u0007b\n'))
    expect((await running).stdout).toBe('a\\u001b]0;gotcha\\u0007b\n\n')
  })

  test('takes up the answer where it was when the connection is lost', async () => {
    const server = await standIn()
    const running = ask(server)
    const first = await server.visits()
    const requestId = await prompted(first)
    begin(first, requestId, 'Because ')
    first.end()
    const second = await server.visits()
    expect(await second.next()).toEqual({ type: 'resume', requestId, lastEventId: at(3) })
    second.say(said.token(requestId, 'of Rayleigh.', 4))
    second.say(said.completed(requestId, 'Because of Rayleigh.'))
    expect(await running).toMatchObject({
      code: 0,
      stdout: 'Because of Rayleigh.\n',
      stderr: expect.stringMatching(
        /^connection lost \(closed with 1006\); trying again in 0.25 s \(1 of 8\)\n\$/,
      ) as unknown,
    })
  })

  test('takes up the answer elsewhere when the server says that it restarts', async () => {
    const server = await standIn()
    const running = ask(server)
    const first = await server.visits()
    const requestId = await prompted(first)
    begin(first, requestId, 'Because ')
    first.say({ type: 'restart' })
    const second = await server.visits()
    expect(await second.next()).toEqual({ type: 'resume', requestId, lastEventId: at(3) })
    second.say(said.completed(requestId, 'Because '))
    expect(await running).toMatchObject({ code: 0, stderr: expect.stringContaining('the server restarts') as unknown })
  })

  test('sends the same prompt again, under its id, when nothing of the answer had come yet', async () => {
    const server = await standIn()
    const running = ask(server)
    const first = await server.visits()
    const requestId = await prompted(first)
    first.end()
    const second = await server.visits()
    expect(await prompted(second)).toBe(requestId)
    second.say({ type: 'error', requestId, code: 'outcome_unknown', message: 'ask again' })
    const third = await server.visits()
    expect(await prompted(third)).toBe(requestId)
    third.say(said.completed(requestId, ''))
    expect(await running).toMatchObject({ code: 0 })
  })

  test('gives up after some tries, each after a longer wait, and says that the answer goes on', async () => {
    const waits: number[] = []
    const requestId = newId()
    const frames = converse(
      { type: 'prompt', requestId, text: 'Why?' },
      {
        connect: () => Promise.reject(new ConnectionLost('HTTP 503')),
        pause: async (ms) => void waits.push(ms),
        note: () => undefined,
        refused: () => new CliError('no_council', 'nobody'),
        interrupted: new AbortController().signal,
      },
    )
    await expect(frames.next()).rejects.toMatchObject({
      code: 'connection_lost',
      exitCode: 1,
      message: expect.stringContaining(`the answer continues: council audit request ${requestId}`) as unknown,
    })
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000])
  })

  test('ends with the code of an answer that failed', async () => {
    const server = await standIn()
    const running = ask(server, ['--json'])
    const visit = await server.visits()
    const requestId = await prompted(visit)
    visit.say({
      type: 'failed',
      requestId,
      id: at(4),
      code: 'model_unavailable',
      message: 'there is no model',
      costMicros: 0,
    })
    const { code, stderr } = await running
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toEqual({
      code: 'model_unavailable',
      message: 'there is no model; it cost $0.000000 (0 µ$)',
    })
  })

  test('ends with the code of a prompt that was not taken', async () => {
    const server = await standIn()
    const running = ask(server, ['--path', 'full'])
    const visit = await server.visits()
    const requestId = await prompted(visit)
    visit.say({ type: 'error', requestId, code: 'path_unavailable', message: 'path unavailable' })
    expect(await running).toMatchObject({ code: 1, stdout: '', stderr: 'error: path unavailable (path_unavailable)\n' })
  })

  test('cancels the prompt at Ctrl-C and waits until that is recorded', async () => {
    const server = await standIn()
    const ctrlC = new AbortController()
    const running = ask(server, [], { interrupted: ctrlC.signal, onOutput: () => ctrlC.abort() })
    const visit = await server.visits()
    const requestId = await prompted(visit)
    begin(visit, requestId, 'Because ')
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    visit.say(said.cancelled(requestId))
    expect(await running).toMatchObject({
      code: 130,
      stdout: 'Because \n',
      stderr: 'cancelled; it cost $0.000012 (12 µ$)\n',
    })
  })

  test('does not wait for ever at Ctrl-C for a server that is silent', async () => {
    const server = await standIn()
    const ctrlC = new AbortController()
    const running = ask(server, [], { interrupted: ctrlC.signal, onOutput: () => ctrlC.abort() })
    const visit = await server.visits()
    begin(visit, await prompted(visit), 'Because ')
    expect(await running).toMatchObject({ code: 130, stderr: expect.stringContaining('(interrupted)') as unknown })
  })

  test('says when somebody else has cancelled the prompt', async () => {
    const server = await standIn()
    const running = ask(server)
    const visit = await server.visits()
    visit.say(said.cancelled(await prompted(visit)))
    expect(await running).toMatchObject({ code: 1, stderr: expect.stringContaining('(cancelled)') as unknown })
  })

  test.each([
    ['not JSON', 'malformed_frame'],
    ['{"no":"type"}', 'malformed_frame'],
    ['{"type":"token","requestId":1}', 'malformed_frame'],
  ])('does not go on with a server that says %s', async (text, code) => {
    const server = await standIn()
    const running = ask(server)
    const visit = await server.visits()
    await prompted(visit)
    visit.say(text)
    expect(await running).toMatchObject({ code: 1, stderr: expect.stringContaining(`(${code})`) as unknown })
  })

  test('finds an answer that is not the text that was streamed', async () => {
    const server = await standIn()
    const running = ask(server)
    const visit = await server.visits()
    const requestId = await prompted(visit)
    begin(visit, requestId, 'Because ')
    visit.say(said.completed(requestId, 'Because of Rayleigh.'))
    expect(await running).toMatchObject({ code: 1, stderr: expect.stringContaining('(answer_differs)') as unknown })
  })

  test.each([
    [4001, 'unauthorized'],
    [4003, 'unauthorized'],
    [1008, 'connection_lost'],
  ])('does not come back after the close code %d', async (close, code) => {
    const server = await standIn()
    const running = ask(server)
    const visit = await server.visits()
    await prompted(visit)
    visit.end(close)
    expect(await running).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(new RegExp(`^error: .*\\(${code}\\)\n$`)) as unknown,
    })
  })
})

describe('the server of council chat', () => {
  test('is the one that runs on DATA_DIR, with the token that lies there', async () => {
    const server = await standIn()
    const dataDir = mkdtempSync(join(tmpdir(), 'data-'))
    writeServerFile(dataDir, {
      url: server.url,
      token: standInToken,
      pid: process.pid,
      startedAt: '2026-11-23T10:00:00Z',
    })
    const running = cli({ DATA_DIR: dataDir }, ['chat', 'Why?'])
    const visit = await server.visits()
    visit.say(said.completed(await prompted(visit), ''))
    expect(await running).toMatchObject({ code: 0 })
  })

  test('is never sent the token of another one', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'data-'))
    writeServerFile(dataDir, {
      url: 'http://127.0.0.1:8787',
      token: standInToken,
      pid: process.pid,
      startedAt: '2026-11-23T10:00:00Z',
    })
    expect(await cli({ DATA_DIR: dataDir, COUNCIL_URL: 'http://127.0.0.1:1' }, ['chat', 'Why?'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('COUNCIL_TOKEN is missing') as unknown,
    })
  })

  test('that does not know the token says so', async () => {
    const server = await standIn()
    expect(await cli({ COUNCIL_URL: server.url, COUNCIL_TOKEN: 'wrong' }, ['chat', 'Why?'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not know this token (unauthorized)') as unknown,
    })
  })

  test('that is gone, although its file is there, is told as no council', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'data-'))
    writeServerFile(dataDir, {
      url: 'http://127.0.0.1:1',
      token: standInToken,
      pid: process.pid,
      startedAt: '2026-11-23T10:00:00Z',
    })
    expect(await cli({ DATA_DIR: dataDir }, ['chat', 'Why?'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('start one with bin/start (no_council)') as unknown,
    })
  })

  test('that is something else is told as such', async () => {
    const server = await standIn({ refuse: [404] })
    expect(await ask(server)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not a council (HTTP 404) (no_council)') as unknown,
    })
  })
})
