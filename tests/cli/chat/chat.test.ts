import { describe, expect, test } from 'vitest'
import { writeServerFile } from '../../../src/platform/process/server-file.ts'
import { frameId, prompted, standInToken, startChatStandIn, type Prompted } from '../../support/chat-stand-in.ts'
import { council as cli, emptyDataDir, type CliSetting } from '../../support/cli.ts'

const ask = (url: string, args: readonly string[] = [], setting: CliSetting = {}) =>
  cli({ COUNCIL_URL: url, COUNCIL_TOKEN: standInToken }, ['chat', 'Why is the sky blue?', ...args], setting)

/** Runs `council chat` against a stand-in server until that has the prompt. */
async function asked(args: readonly string[] = [], setting: CliSetting = {}) {
  const server = await startChatStandIn()
  const running = ask(server.url, args, setting)
  return { server, running, ...(await prompted(server)) }
}

/** Sends the first part of an answer: accepted, routed, and the text so far. */
function begin({ visit, accepted, routed, token }: Prompted, text: string): void {
  for (const frame of [accepted, routed, token(text)]) visit.say(frame)
}

/** Presses Ctrl-C at the first output. */
function interruptedAtOutput(): CliSetting {
  const ctrlC = new AbortController()
  return { interrupted: ctrlC.signal, onOutput: () => ctrlC.abort() }
}

const withCode = (code: string) => ({ code: 1, stderr: expect.stringContaining(`(${code})`) })
const newerFrame = (requestId: string) => ({ type: 'a_frame_of_a_newer_server', requestId, wisdom: 42 })

describe('council chat', () => {
  test('prints the answer as it comes, and then its cost and its timings', async () => {
    const prompt = await asked(['--path', 'fast', '--conversation', 'c1'])
    const { running, visit, requestId, token, completed } = prompt
    expect(prompt).toMatchObject({ text: 'Why is the sky blue?', path: 'fast', conversationId: 'c1' })
    begin(prompt, 'Because of ')
    for (const frame of [newerFrame(requestId), token('Rayleigh.', 4), completed('Because of Rayleigh.')])
      visit.say(frame)
    expect(await running).toMatchObject({
      code: 0,
      stdout: 'Because of Rayleigh.\n',
      stderr: '$0.000038 (38 µ$) · 1,120 + 34 tokens · queued 3 ms, first token 41 ms, total 812 ms · fast path\n',
    })
  })

  test('succeeds with an answer that was cut off at the length limit, and reports the cut', async () => {
    const prompt = await asked()
    begin(prompt, 'Because of')
    prompt.visit.say(prompt.completed('Because of', 'length'))
    const stderr = expect.stringContaining(' · cut off at the length limit')
    expect(await prompt.running).toMatchObject({ code: 0, stdout: 'Because of\n', stderr })
  })

  test('prints the frames of the server unchanged with --json', async () => {
    const { running, visit, requestId, accepted, token, completed } = await asked(['--json'])
    const frames = [accepted, newerFrame(requestId), token('Yes.'), completed('Yes.')]
    for (const frame of frames) visit.say(frame)
    const run = await running
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.json()).toEqual(frames)
  })

  test('escapes the control characters of the model on a terminal', async () => {
    const { running, visit, token, completed } = await asked([], { columns: 80, noColor: true })
    for (const frame of [token, completed]) visit.say(frame('a\u001b]0;gotcha\u0007b\n'))
    expect((await running).stdout).toBe('a\\u001b]0;gotcha\\u0007b\n\n')
  })

  test('resumes the answer after its last frame when the connection is lost', async () => {
    const prompt = await asked()
    const { server, running, requestId, token, completed } = prompt
    begin(prompt, 'Because ')
    prompt.visit.end()
    const second = await server.visits()
    expect(await second.next()).toEqual({ type: 'resume', requestId, lastEventId: frameId(3) })
    for (const frame of [token('of Rayleigh.', 4), completed('Because of Rayleigh.')]) second.say(frame)
    expect(await running).toMatchObject({
      code: 0,
      stdout: 'Because of Rayleigh.\n',
      stderr: expect.stringMatching(/^connection lost \(closed with 1006\); trying again in 0.25 s \(1 of 8\)\n\$/),
    })
  })

  test('resumes the answer on a new connection when the server announces its restart', async () => {
    const prompt = await asked()
    const { server, running, requestId, visit, completed } = prompt
    begin(prompt, 'Because ')
    visit.say({ type: 'restart' })
    const second = await server.visits()
    expect(await second.next()).toEqual({ type: 'resume', requestId, lastEventId: frameId(3) })
    second.say(completed('Because '))
    expect(await running).toMatchObject({ code: 0, stderr: expect.stringContaining('the server restarts') })
  })

  test('sends the prompt again under the same id if no part of the answer had come', async () => {
    const { server, running, requestId, visit, completed } = await asked()
    visit.end()
    const second = await prompted(server)
    expect(second.requestId).toBe(requestId)
    second.visit.say({ type: 'error', requestId, code: 'outcome_unknown', message: 'ask again' })
    const third = await prompted(server)
    expect(third.requestId).toBe(requestId)
    third.visit.say(completed(''))
    expect(await running).toMatchObject({ code: 0 })
  })

  test('fails with the code of an answer that failed', async () => {
    const { running, visit, failed } = await asked(['--json'])
    visit.say(failed('model_unavailable', 'there is no model'))
    const { code, stderr } = await running
    expect([code, JSON.parse(stderr)]).toEqual([
      1,
      { code: 'model_unavailable', message: 'there is no model; it cost $0.000000 (0 µ$)' },
    ])
  })

  test('fails with the code of a prompt that was refused', async () => {
    const { running, visit, requestId } = await asked(['--path', 'full'])
    visit.say({ type: 'error', requestId, code: 'too_many_in_flight', message: 'too many prompts' })
    expect(await running).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'error: too many prompts (too_many_in_flight)\n',
    })
  })

  test('cancels the prompt at Ctrl-C and waits until the cancellation is recorded', async () => {
    const prompt = await asked([], interruptedAtOutput())
    const { running, visit, requestId, cancelled } = prompt
    begin(prompt, 'Because ')
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    visit.say(cancelled)
    const stderr = 'cancelled; it cost $0.000012 (12 µ$)\n'
    expect(await running).toMatchObject({ code: 130, stdout: 'Because \n', stderr })
  })

  test('ends at Ctrl-C after a bounded wait if the server is silent', async () => {
    const prompt = await asked([], interruptedAtOutput())
    begin(prompt, 'Because ')
    expect(await prompt.running).toMatchObject({ ...withCode('interrupted'), code: 130 })
  })

  test('reports that another client has cancelled the prompt', async () => {
    const { running, visit, cancelled } = await asked()
    visit.say(cancelled)
    expect(await running).toMatchObject(withCode('cancelled'))
  })

  test.each(['not JSON', '{"no":"type"}', '{"type":"token","requestId":1}'])(
    'stops at a malformed frame of the server: %s',
    async (text) => {
      const { running, visit } = await asked()
      visit.say(text)
      expect(await running).toMatchObject(withCode('malformed_frame'))
    },
  )

  test('reports an answer that differs from the text that was streamed', async () => {
    const prompt = await asked()
    begin(prompt, 'Because ')
    prompt.visit.say(prompt.completed('Because of Rayleigh.'))
    expect(await prompt.running).toMatchObject(withCode('answer_differs'))
  })

  test.each([
    [4001, 'unauthorized'],
    [4003, 'unauthorized'],
    [1008, 'connection_lost'],
  ])('does not reconnect after the close code %d', async (close, code) => {
    const { running, visit } = await asked()
    visit.end(close)
    const stderr = expect.stringMatching(new RegExp(`^error: .*\\(${code}\\)\n$`))
    expect(await running).toMatchObject({ code: 1, stderr })
  })
})

describe('the server of council chat', () => {
  /** A DATA_DIR with the file of a running server. */
  function dataDirOf(url: string): string {
    const dataDir = emptyDataDir()
    writeServerFile(dataDir, { url, token: standInToken, pid: process.pid, startedAt: '2026-11-23T10:00:00Z' })
    return dataDir
  }

  test('is by default the one that runs on DATA_DIR, with its token', async () => {
    const server = await startChatStandIn()
    const running = cli({ DATA_DIR: dataDirOf(server.url) }, ['chat', 'Why?'])
    const { visit, completed } = await prompted(server)
    visit.say(completed(''))
    expect(await running).toMatchObject({ code: 0 })
  })

  test('is never sent the token of another server', async () => {
    const settings = { DATA_DIR: dataDirOf('http://127.0.0.1:8787'), COUNCIL_URL: 'http://127.0.0.1:1' }
    const stderr = expect.stringContaining('COUNCIL_TOKEN is missing')
    expect(await cli(settings, ['chat', 'Why?'])).toMatchObject({ code: 2, stderr })
  })

  test.each<[string, () => Promise<Record<string, string>>, string]>([
    [
      'that does not know the token is reported as such',
      async () => ({ COUNCIL_URL: (await startChatStandIn()).url, COUNCIL_TOKEN: 'wrong' }),
      'does not know this token (unauthorized)',
    ],
    [
      'that is gone, although its file exists, is reported as no council',
      async () => ({ DATA_DIR: dataDirOf('http://127.0.0.1:1') }),
      'start one with bin/start (no_council)',
    ],
    [
      'that is no council is reported as such',
      async () => ({ COUNCIL_URL: (await startChatStandIn({ refuse: [404] })).url, COUNCIL_TOKEN: standInToken }),
      'is not a council (HTTP 404) (no_council)',
    ],
  ])('%s', async (_, settings, message) => {
    const stderr = expect.stringContaining(message)
    expect(await cli(await settings(), ['chat', 'Why?'])).toMatchObject({ code: 1, stderr })
  })
})
