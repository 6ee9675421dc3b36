import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { banner } from '../../src/cli/serve/banner.ts'
import { createOutput, fit, OutputClosed, type OutputStream } from '../../src/cli/output.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { startProgress } from '../../src/platform/progress-display.ts'

/** A stream that keeps the text that is written to it. */
function kept(terminal: boolean) {
  let text = ''
  const stream: OutputStream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      text += chunk
      done()
    },
  })
  if (terminal) Object.assign(stream, { isTTY: true, columns: 80 })
  return { stream, text: () => text }
}

function opened({ terminal = true, json = false, noColor = true } = {}) {
  const [stdout, stderr] = [kept(terminal), kept(terminal)]
  return {
    output: createOutput({ stdout: stdout.stream, stderr: stderr.stream, json, noColor }),
    stdout: stdout.text,
    stderr: stderr.text,
  }
}

/** Characters that a text from outside may not send to a terminal. */
const forbidden = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}]/u
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ...['\x1b', '\x1b[31m', '\x1b]0;title\x07', '\x9b', '\x7f', '\r', '\n', '\t', '\0', '\\u001b', '😀', 'µ'],
      ...['\u202e', '\u2066', '\u200f', '\u061c', '\u2028', '\u2029', '\ufeff', '\ud83d', '\ude00'],
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
  ),
})

describe('text from outside', () => {
  test('is printable on a terminal, whichever function prints it', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, fc.boolean(), async (text, json) => {
        const { output, stdout, stderr } = opened({ json })
        await output.result({ text, [text]: 1 }, () => text)
        await output.result({ text }, () => [text, `before ${text} after`])
        await output.forPeople(text)
        await output.write(text)
        output.note(text)
        output.fail({ code: text, message: text, exitCode: 1 })
        expect(stdout()).not.toMatch(forbidden)
        expect(stderr()).not.toMatch(forbidden)
      }),
    )
  })

  test('neither begins nor ends a colour', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const { output, stdout } = opened({ noColor: false })
        await output.result(null, () => `${output.paint('red', text)} ${text}`)
        expect(stdout().startsWith('\x1b[31m')).toBe(true)
        expect(stdout().match(/\x1b/g)).toHaveLength(2)
        expect(stripVTControlCharacters(stdout())).not.toMatch(forbidden)
      }),
    )
  })

  test('begins no new line in a result, and no line that looks like an error', async () => {
    const { output, stdout, stderr } = opened()
    await output.result(null, () => 'a reason\nno fault')
    output.fail({ code: 'model_rejected', message: 'bad request\nerror: all is well (ok)', exitCode: 1 })
    expect(stdout()).toBe('a reason\\u000ano fault\n')
    expect(stderr()).toBe('error: bad request\n       error: all is well (ok) (model_rejected)\n')
  })

  test('is unchanged in JSON on a terminal', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const { output, stdout } = opened({ json: true })
        await output.result({ text }, () => '')
        expect(JSON.parse(stdout())).toEqual({ text })
      }),
    )
  })

  test('is unchanged in an answer to a pipe or a file', async () => {
    const { output, stdout } = opened({ terminal: false })
    await output.write('a\x1b[1mb\u202e\r\n')
    expect(stdout()).toBe('a\x1b[1mb\u202e\r\n')
  })

  test('is printable in log lines, and unchanged in their JSON', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const log = kept(true)
        createLogger('info', { stream: log.stream }).warn({ text }, text)
        expect(log.text()).not.toMatch(forbidden)
        expect((JSON.parse(log.text()) as { msg: string }).msg).toBe(text)
      }),
    )
  })

  test('is printable in progress and in the banner', () => {
    const stream = kept(true)
    let nowMs = 0
    const clock = { nowMs: () => nowMs }
    const progress = startProgress({ label: 'reading \x1b[2J\u202e', stream: stream.stream, clock })
    nowMs = 5_000
    progress.end('done')
    expect(stripVTControlCharacters(stream.text().replace('\r', ''))).not.toMatch(forbidden)
    const text = banner({
      seconds: 1,
      isTerminal: true,
      roles: ['api'],
      url: 'http://x',
      token: { token: 't', from: 'file' },
      tokenFile: '/a\x1b[2Jb',
      parts: [{ name: 'model', kind: 'real', what: 'named \x9b2J\nby its server' }],
    })
    expect(stripVTControlCharacters(text)).not.toMatch(forbidden)
    expect(text).toContain('/a\\u001b[2Jb')
    expect(text).toContain('named \\u009b2J\\u000aby its server')
  })

  test('is never cut inside a character', () => {
    expect([4, 5, 6].map((columns) => fit('ab😀cde', columns))).toEqual(['ab…', 'ab😀…', 'ab😀c…'])
  })
})

describe('a write', () => {
  const failing = (code: string): OutputStream =>
    new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error(`${code}: it failed`), { code }))
      },
    })
  const on = (stdout: OutputStream) => createOutput({ stdout, stderr: kept(false).stream, json: false, noColor: true })

  test.each(['EPIPE', 'ECONNRESET'])(
    'that fails with %s reports that the reader is gone, also the next time',
    async (code) => {
      const output = on(failing(code))
      await expect(output.write('x')).rejects.toThrow(OutputClosed)
      await expect(output.write('y')).rejects.toThrow(OutputClosed)
    },
  )

  test.each(['ENOSPC', 'EIO', 'EBADF'])('that fails with %s fails the command, also the next time', async (code) => {
    const output = on(failing(code))
    await expect(output.write('x')).rejects.toMatchObject({ code: 'output_failed', exitCode: 1 })
    const message = expect.stringContaining(code)
    await expect(output.result(1, () => 'y')).rejects.toMatchObject({ code: 'output_failed', message })
  })

  test('waits until the text is taken', async () => {
    let take: (() => void) | undefined
    const output = on(
      new Writable({
        write(_chunk, _encoding, done) {
          take = () => done()
        },
      }),
    )
    let isWritten = false
    const writing = output.write('x').then(() => (isWritten = true))
    await new Promise(setImmediate)
    expect(isWritten).toBe(false)
    take?.()
    await writing
    expect(isWritten).toBe(true)
  })

  test('to stderr that fails is no failure', () => {
    const output = createOutput({ stdout: kept(false).stream, stderr: failing('ENOSPC'), json: false, noColor: true })
    output.note('a note')
    output.fail({ code: 'internal', message: 'a failure', exitCode: 1 })
  })
})
