import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { screenBlock } from '../../../src/cli/chat/screen-block.ts'

/** A screen of this size, and the text that was written to it. A slow one never takes the first write. */
function screen({ columns = 80, rows = 24, isTTY = true, isSlow = false } = {}) {
  const written: string[] = []
  const stream = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      if (!isSlow) done()
    },
  })
  return { written, screen: Object.assign(stream, { isTTY, columns, rows }) }
}

const blockOn = (options: Parameters<typeof screen>[0] = {}) => {
  const { written, screen: stream } = screen(options)
  const block = screenBlock(stream)
  if (!block) throw new Error('no block')
  return { written, block, waits: () => stream.writableLength }
}

describe('a block of lines', () => {
  test.each([{ isTTY: false }, { columns: 19 }])('is not drawn with %j', (options) => {
    expect(screenBlock(screen(options).screen)).toBeNull()
  })

  test.each([0, 24])('takes a width of %i columns', (columns) => {
    expect(screenBlock(screen({ columns }).screen)).not.toBeNull()
  })

  test('replaces the lines before, and after it was left, begins below them', () => {
    const { written, block } = blockOn()
    block.draw([{ text: 'one' }, { text: 'two' }])
    block.draw([{ text: 'three' }])
    block.leave()
    block.draw([{ text: 'four' }])
    block.erase()
    block.erase()
    expect(written).toEqual(['one\ntwo\n', '\x1b[2A\r\x1b[0Jthree\n', 'four\n', '\x1b[1A\r\x1b[0J'])
  })

  test('draws no more lines than the screen has', () => {
    const { written, block } = blockOn({ rows: 3 })
    block.draw(['one', 'two', 'three', 'four'].map((text) => ({ text })))
    expect(written).toEqual(['one\ntwo\n'])
  })

  test('skips lines that may be skipped while the terminal is slow, but no others', () => {
    const { written, block, waits } = blockOn({ isSlow: true })
    block.draw([{ text: 'first' }])
    const before = waits()
    block.draw([{ text: 'skipped' }], { maySkip: true })
    expect(waits()).toBe(before)
    block.draw([{ text: 'last' }])
    expect(waits()).toBeGreaterThan(before)
    expect(written).toEqual(['first\n'])
  })

  test('cuts a text at its end, and the end of a line at its start', () => {
    const { written, block } = blockOn({ columns: 20 })
    block.draw([{ text: 'a text of more than twenty columns' }, { text: 'analyst ', end: 'a long draft with an end' }])
    expect(written).toEqual(['a text of more th…\nanalyst …th an end\n'])
  })

  test('fits any text into the width, on one line, without control characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.integer({ min: 20, max: 60 }),
        (text, end, columns) => {
          const { written, block } = blockOn({ columns })
          block.draw([{ text, end }])
          const [line = '', after] = written.join('').split('\n')
          expect(after).toBe('')
          expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
          const cells = Array.from(line, (character) => (character < '\u0300' ? 1 : 2))
          expect(cells.reduce<number>((sum, width) => sum + width, 0)).toBeLessThan(columns)
        },
      ),
    )
  })
})
