import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Uuid7 } from '../../../src/events/identifiers.ts'
import { prompted, standInToken, startChatStandIn } from '../../support/chat-stand-in.ts'
import { council as cli, type CliSetting } from '../../support/cli.ts'

const converse = (url: string, stdin: readonly (string | Buffer)[], args: readonly string[] = []) =>
  cli({ COUNCIL_URL: url, COUNCIL_TOKEN: standInToken }, ['chat', ...args], { stdin: () => Readable.from(stdin) })

const nowhere = 'http://127.0.0.1:1'

describe('council chat without a question, from a pipe', () => {
  test('sends every line in order, in one conversation, and ends with the input', async () => {
    const server = await startChatStandIn()
    // The bytes come one by one, so they split a line end and a character. The last line has no line end.
    const bytes = Buffer.from('My name is Änne.\r\n\n   \nWhat is my name?')
    const running = converse(
      server.url,
      [...bytes].map((byte) => Buffer.from([byte])),
    )
    const first = await prompted(server)
    expect(first.text).toBe('My name is Änne.')
    expect(Uuid7.safeParse(first.conversationId).success).toBe(true)
    first.answer('Hello, Änne.')
    const second = await prompted(server)
    expect(second).toMatchObject({ text: 'What is my name?', conversationId: first.conversationId })
    second.answer('Änne.')
    expect(await running).toMatchObject({ code: 0, stdout: 'Hello, Änne.\nÄnne.\n' })
  })

  test('continues after a question that failed or is too long, and then exits with 1', async () => {
    const server = await startChatStandIn()
    const half = 'x'.repeat(40_000)
    const running = converse(server.url, [`One\n${half}`, `${half}\nThree\n`], ['--conversation', 'c1'])
    const { visit, failed } = await prompted(server)
    visit.say(failed('budget_exceeded', 'the budget is used up'))
    const third = await prompted(server)
    expect(third).toMatchObject({ text: 'Three', conversationId: 'c1' })
    third.answer('3.')
    const run = await running
    expect(run).toMatchObject({ code: 1, stdout: '3.\n' })
    expect(run.stderr).toContain('(budget_exceeded)')
    expect(run.stderr).toContain('the question is not right')
  })

  test('prints the frames of every answer with --json', async () => {
    const server = await startChatStandIn()
    const running = converse(server.url, ['One\nTwo\n'], ['--json'])
    for (const text of ['1.', '2.']) (await prompted(server)).answer(text)
    expect((await running).json().map(({ type, text }) => `${String(type)} ${String(text)}`)).toEqual([
      ...['token 1.', 'completed 1.'],
      ...['token 2.', 'completed 2.'],
    ])
  })

  test('fails once, and not for every line, if no council listens or the token is wrong', async () => {
    const withCode = (code: string): unknown => expect.stringMatching(new RegExp(`^error: .*\\(${code}\\)\n$`))
    expect(await converse(nowhere, ['One\nTwo\n'])).toMatchObject({ code: 1, stderr: withCode('no_council') })
    const { url } = await startChatStandIn()
    const stdin = () => Readable.from(['One\nTwo\n'])
    const stranger = await cli({ COUNCIL_URL: url, COUNCIL_TOKEN: 'wrong' }, ['chat'], { stdin })
    expect(stranger).toMatchObject({ code: 1, stderr: withCode('unauthorized') })
  })

  test('sends nothing for an empty input', async () => {
    expect(await converse(nowhere, [])).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('refuses an invalid conversation id', async () => {
    const stderr = expect.stringContaining('the conversation id is not right')
    expect(await converse(nowhere, ['One\n'], ['--conversation', 'x'.repeat(129)])).toMatchObject({ code: 2, stderr })
  })
})

const ctrlC = '\x03'
const ctrlD = '\x04'
const up = '\x1b[A'

/** A session at a terminal, with a server that answers it. `leave` presses Ctrl-D and waits for the end. */
async function terminal(setting: CliSetting = {}) {
  const server = await startChatStandIn()
  const keyboard = Object.assign(new PassThrough(), { isTTY: true })
  const running = cli({ COUNCIL_URL: server.url, COUNCIL_TOKEN: standInToken }, ['chat'], {
    columns: 80,
    noColor: true,
    ...setting,
    stdin: () => keyboard,
  })
  const type = (keys: string) => void keyboard.write(keys)
  const leave = () => (type(ctrlD), running)
  return { type, running, leave, next: () => prompted(server) }
}

describe('council chat without a question, at a terminal', () => {
  test('holds one conversation with a history, and ends at Ctrl-D', async () => {
    const { type, leave, next } = await terminal()
    type('My name is Anna.\r')
    const first = await next()
    first.answer('Hello.')
    type(`${up} Really.\r`)
    const second = await next()
    expect(second).toMatchObject({ text: 'My name is Anna. Really.', conversationId: first.conversationId })
    second.answer('I see.')
    const run = await leave()
    expect(run).toMatchObject({ code: 0, stdout: 'Hello.\nI see.\n' })
    expect(run.stderr).toContain(`conversation ${first.conversationId}`)
    expect(run.stderr).toContain('you> ')
  })

  test('cancels an answer at Ctrl-C, and the conversation continues', async () => {
    let cancel = (): void => undefined
    const { type, leave, next } = await terminal({ onOutput: (stdout) => void (stdout === 'Once upon' && cancel()) })
    cancel = () => type(ctrlC)
    type('Tell a story.\r')
    const { visit, requestId, conversationId, token, cancelled } = await next()
    visit.say(token('Once upon'))
    expect(await visit.next()).toEqual({ type: 'cancel', requestId })
    visit.say(cancelled)
    type('And now?\r')
    const second = await next()
    expect(second.conversationId).toBe(conversationId)
    second.answer('Now.')
    const run = await leave()
    expect(run).toMatchObject({ code: 0, stdout: 'Once upon\nNow.\n' })
    expect(run.stderr).toContain('cancelled; it cost')
  })

  test.each([
    ['clears a line at Ctrl-C', [`never mind${ctrlC}asked\r`], 'asked'],
    [
      'takes pasted lines as one question, sent by Enter',
      ['\x1b[200~def f():\r    return 1\r\x1b[201~', 'What is this?\r'],
      'def f():\n    return 1\nWhat is this?',
    ],
  ])('%s', async (_, keys, text) => {
    const { type, leave, next } = await terminal()
    for (const part of keys) type(part)
    const question = await next()
    expect(question.text).toBe(text)
    question.answer('Yes.')
    expect((await leave()).code).toBe(0)
  })

  test('explains at Ctrl-C on an empty line how to leave, and ends at the next', async () => {
    const { type, running } = await terminal()
    type(`never mind${ctrlC}${ctrlC}${ctrlC}`)
    const run = await running
    expect(run.stderr.match(/press Ctrl-D or Ctrl-C again to leave/g)).toHaveLength(1)
    expect(run.code).toBe(130)
  })

  test('keeps a line that is typed during an answer as the next question', async () => {
    const { type, leave, next } = await terminal()
    type('One\rTwo\r')
    await next().then(({ answer }) => answer('1.'))
    const second = await next()
    expect(second.text).toBe('Two')
    second.answer('2.')
    expect(await leave()).toMatchObject({ code: 0, stdout: '1.\n2.\n' })
  })

  test('reports an answer that failed, and continues', async () => {
    const { type, leave, next } = await terminal()
    type('One\r')
    const { visit, failed } = await next()
    visit.say(failed('model_unavailable', 'there is no model'))
    type('Two\r')
    await next().then(({ answer }) => answer('2.'))
    const run = await leave()
    expect(run).toMatchObject({ code: 0, stdout: '2.\n' })
    expect(run.stderr).toContain('(model_unavailable)')
  })

  test('ends in order when the process gets a signal', async () => {
    const signal = new AbortController()
    const { type, running, next } = await terminal({ interrupted: signal.signal })
    type('One\r')
    await next().then(({ answer }) => answer('1.'))
    signal.abort()
    expect((await running).code).toBe(130)
  })
})
