import { PassThrough, Readable } from 'node:stream'
import { onTestFinished, describe, expect, test } from 'vitest'
import type { ServerFrame } from '../../../src/api/chat/frames.ts'
import { Position, Uuid7 } from '../../../src/events/identifiers.ts'
import { standInToken, startChatStandIn, type ChatStandIn, type Visit } from '../../support/chat-stand-in.ts'
import { council as cli, type CliSetting } from '../../support/cli.ts'

type Prompted = { visit: Visit; requestId: Uuid7; text: string; conversationId: string | undefined }

async function standIn(): Promise<ChatStandIn> {
  const server = await startChatStandIn()
  onTestFinished(server.close)
  return server
}

/** The next question that the server is asked. */
async function prompted(server: ChatStandIn): Promise<Prompted> {
  const visit = await server.visits()
  const frame = await visit.next()
  if (frame.type !== 'prompt' || !frame.requestId)
    throw new Error(`expected a prompt with an id, not ${JSON.stringify(frame)}`)
  return { visit, requestId: frame.requestId, text: frame.text, conversationId: frame.conversationId }
}

const token = (requestId: Uuid7, text: string): ServerFrame => ({ type: 'token', requestId, id: '1-1~1', text })
const ended = { id: '1-9~9', costMicros: 12 }

function answer({ visit, requestId }: Prompted, text: string): void {
  visit.say(token(requestId, text))
  visit.say({
    type: 'completed',
    requestId,
    ...ended,
    text,
    finishReason: 'stop',
    usage: { promptTokens: 1, completionTokens: 1 },
    timings: { queuedMs: 0, firstTokenMs: 0, totalMs: 0 },
    degraded: false,
    positions: { first: Position.parse('1-0'), last: Position.parse('9-0') },
  })
}

const converse = (
  server: Pick<ChatStandIn, 'url'>,
  stdin: CliSetting['stdin'],
  args: readonly string[] = [],
  setting: CliSetting = {},
) => cli({ COUNCIL_URL: server.url, COUNCIL_TOKEN: standInToken }, ['chat', ...args], { ...setting, stdin: stdin! })

describe('council chat without a question, from a pipe', () => {
  test('asks every line in order, in one conversation, and ends with the input', async () => {
    const server = await standIn()
    // A line end cut in two, a blank line, half a character at a time, and no line end at the end.
    const bytes = Buffer.from('My name is Änne.\r\n\n   \nWhat is my name?')
    const running = converse(server, () => Readable.from([...bytes].map((byte) => Buffer.from([byte]))))
    const first = await prompted(server)
    expect(first.text).toBe('My name is Änne.')
    expect(Uuid7.safeParse(first.conversationId).success).toBe(true)
    answer(first, 'Hello, Änne.')
    const second = await prompted(server)
    expect(second).toMatchObject({ text: 'What is my name?', conversationId: first.conversationId })
    answer(second, 'Änne.')
    expect(await running).toMatchObject({ code: 0, stdout: 'Hello, Änne.\nÄnne.\n' })
  })

  test('goes on after a question that failed or is too long, and exits with 1 in the end', async () => {
    const server = await standIn()
    const running = converse(
      server,
      () => Readable.from([`One\n${'x'.repeat(40_000)}`, `${'x'.repeat(40_000)}\nThree\n`]),
      ['--conversation', 'c1'],
    )
    const first = await prompted(server)
    first.visit.say({
      type: 'failed',
      requestId: first.requestId,
      ...ended,
      code: 'budget_exceeded',
      message: 'the budget is used up',
    })
    const third = await prompted(server)
    expect(third).toMatchObject({ text: 'Three', conversationId: 'c1' })
    answer(third, '3.')
    const run = await running
    expect(run).toMatchObject({ code: 1, stdout: '3.\n' })
    expect(run.stderr).toContain('(budget_exceeded)')
    expect(run.stderr).toContain('the question is not right')
  })

  test('prints the frames of every answer where JSON is asked for', async () => {
    const server = await standIn()
    const running = converse(server, () => Readable.from(['One\nTwo\n']), ['--json'])
    for (const text of ['1.', '2.']) answer(await prompted(server), text)
    const run = await running
    expect(run.json().map(({ type, text }) => [type, text])).toEqual([
      ['token', '1.'],
      ['completed', '1.'],
      ['token', '2.'],
      ['completed', '2.'],
    ])
  })

  test('ends at once, and not line by line, where no council listens or knows the token', async () => {
    const nowhere = await converse({ url: 'http://127.0.0.1:1' }, () => Readable.from(['One\nTwo\n']))
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .*\(no_council\)\n$/) as unknown })
    const server = await standIn()
    const stranger = await cli({ COUNCIL_URL: server.url, COUNCIL_TOKEN: 'wrong' }, ['chat'], {
      stdin: () => Readable.from(['One\nTwo\n']),
    })
    expect(stranger).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: .*\(unauthorized\)\n$/) as unknown,
    })
  })

  test('asks nothing where there is nothing to ask', async () => {
    expect(await converse({ url: 'http://127.0.0.1:1' }, () => Readable.from([]))).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  test('is refused with a conversation id that no server takes', async () => {
    expect(
      await converse({ url: 'http://127.0.0.1:1' }, () => Readable.from(['One\n']), [
        '--conversation',
        'x'.repeat(129),
      ]),
    ).toMatchObject({ code: 2, stderr: expect.stringContaining('the conversation id is not right') as unknown })
  })
})

const ctrlC = '\x03'
const ctrlD = '\x04'
const up = '\x1b[A'

/** A person at a keyboard. */
function terminal(server: ChatStandIn, setting: CliSetting = {}) {
  const keyboard = Object.assign(new PassThrough(), { isTTY: true })
  const running = converse(server, () => keyboard, [], { columns: 80, noColor: true, ...setting })
  return { type: (keys: string) => void keyboard.write(keys), running }
}

describe('council chat without a question, at a terminal', () => {
  test('holds one conversation with a history, and leaves at Ctrl-D', async () => {
    const server = await standIn()
    const { type, running } = terminal(server)
    type('My name is Anna.\r')
    const first = await prompted(server)
    answer(first, 'Hello.')
    type(`${up} Really.\r`)
    const second = await prompted(server)
    expect(second).toMatchObject({ text: 'My name is Anna. Really.', conversationId: first.conversationId })
    answer(second, 'I see.')
    type(ctrlD)
    const run = await running
    expect(run).toMatchObject({ code: 0, stdout: 'Hello.\nI see.\n' })
    expect(run.stderr).toContain(`conversation ${first.conversationId}`)
    expect(run.stderr).toContain('you> ')
  })

  test('cancels an answer at Ctrl-C, and the conversation goes on', async () => {
    const server = await standIn()
    let cancel = (): void => undefined
    const { type, running } = terminal(server, { onOutput: (stdout) => void (stdout === 'Once upon' && cancel()) })
    cancel = () => type(ctrlC)
    type('Tell a story.\r')
    const first = await prompted(server)
    first.visit.say(token(first.requestId, 'Once upon'))
    expect(await first.visit.next()).toEqual({ type: 'cancel', requestId: first.requestId })
    first.visit.say({ type: 'cancelled', requestId: first.requestId, ...ended })
    type('And now?\r')
    const second = await prompted(server)
    expect(second.conversationId).toBe(first.conversationId)
    answer(second, 'Now.')
    type(ctrlD)
    const run = await running
    expect(run).toMatchObject({ code: 0, stdout: 'Once upon\nNow.\n' })
    expect(run.stderr).toContain('cancelled; it cost')
  })

  test('clears a line at Ctrl-C', async () => {
    const server = await standIn()
    const { type, running } = terminal(server)
    type(`never mind${ctrlC}asked\r`)
    const first = await prompted(server)
    expect(first.text).toBe('asked')
    answer(first, 'Yes.')
    type(ctrlD)
    expect((await running).code).toBe(0)
  })

  test('tells at Ctrl-C on an empty line how to leave, and leaves at the next', async () => {
    const { type, running } = terminal(await standIn())
    type(`never mind${ctrlC}${ctrlC}${ctrlC}`)
    const run = await running
    expect(run.stderr.match(/press Ctrl-D or Ctrl-C again to leave/g)).toHaveLength(1)
    expect(run.code).toBe(130)
  })

  test('takes what is pasted as one question, once Enter is pressed', async () => {
    const server = await standIn()
    const { type, running } = terminal(server)
    type('\x1b[200~def f():\r    return 1\r\x1b[201~')
    type('What is this?\r')
    const first = await prompted(server)
    expect(first.text).toBe('def f():\n    return 1\nWhat is this?')
    answer(first, 'A function.')
    type(ctrlD)
    expect((await running).code).toBe(0)
  })

  test('keeps what is typed while an answer streams, as the next question', async () => {
    const server = await standIn()
    const { type, running } = terminal(server)
    type('One\rTwo\r')
    answer(await prompted(server), '1.')
    const second = await prompted(server)
    expect(second.text).toBe('Two')
    answer(second, '2.')
    type(ctrlD)
    expect(await running).toMatchObject({ code: 0, stdout: '1.\n2.\n' })
  })

  test('tells of an answer that failed, and goes on', async () => {
    const server = await standIn()
    const { type, running } = terminal(server)
    type('One\r')
    const first = await prompted(server)
    first.visit.say({
      type: 'failed',
      requestId: first.requestId,
      ...ended,
      code: 'model_unavailable',
      message: 'there is no model',
    })
    type('Two\r')
    answer(await prompted(server), '2.')
    type(ctrlD)
    const run = await running
    expect(run).toMatchObject({ code: 0, stdout: '2.\n' })
    expect(run.stderr).toContain('(model_unavailable)')
  })

  test('ends in order when the process is asked to', async () => {
    const server = await standIn()
    const asked = new AbortController()
    const { type, running } = terminal(server, { interrupted: asked.signal })
    type('One\r')
    answer(await prompted(server), '1.')
    asked.abort()
    expect((await running).code).toBe(130)
  })
})
