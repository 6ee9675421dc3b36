import { describe, expect, test } from 'vitest'
import { tokenBatcher } from '../../../src/agents/tokens/token-batcher.ts'
import type { WriteOutcome } from '../../../src/agents/tokens/token-stream.ts'

/** A batcher whose writes a test ends one by one. */
function gatedBatcher() {
  const written: string[] = []
  const stops: string[] = []
  const open: PromiseWithResolvers<WriteOutcome>[] = []
  const batcher = tokenBatcher(
    (text) => {
      written.push(text)
      const write = Promise.withResolvers<WriteOutcome>()
      open.push(write)
      return write.promise
    },
    (outcome) => stops.push(outcome),
  )
  /** Ends the oldest write; resolves when the batcher has seen it. */
  const end = async (outcome: WriteOutcome | Error = 'written'): Promise<void> => {
    const write = open.shift()
    if (outcome instanceof Error) write?.reject(outcome)
    else write?.resolve(outcome)
    await new Promise(setImmediate)
  }
  return { ...batcher, written, stops, end }
}

describe('a token batcher', () => {
  test('writes a piece at once', () => {
    const { add, written } = gatedBatcher()
    add('The ')
    expect(written).toEqual(['The '])
  })

  test('collects the pieces that come while a write is under way', async () => {
    const { add, written, end } = gatedBatcher()
    for (const piece of ['The ', 'capital ', 'is ']) add(piece)
    expect(written).toEqual(['The '])
    await end()
    expect(written).toEqual(['The ', 'capital is '])
    add('Paris.')
    expect(written.length).toBe(2)
    await end()
    expect(written).toEqual(['The ', 'capital is ', 'Paris.'])
    await end()
    add(' Yes.')
    expect(written.at(-1)).toBe(' Yes.')
  })

  test('flushes what is under way and what waits', async () => {
    const { add, flush, written, end } = gatedBatcher()
    expect(await flush()).toBe('written')
    add('a')
    add('b')
    let isFlushed = false
    const flushed = flush().then((outcome) => {
      isFlushed = true
      return outcome
    })
    await end()
    expect(isFlushed).toBe(false)
    await end()
    expect(await flushed).toBe('written')
    expect(written).toEqual(['a', 'b'])
  })

  test.each(['superseded', 'lost'] as const)('writes nothing more after a write was %s', async (outcome) => {
    const { add, flush, written, stops, end } = gatedBatcher()
    add('a')
    add('b')
    await end(outcome)
    add('c')
    expect(await flush()).toBe(outcome)
    expect(written).toEqual(['a'])
    expect(stops).toEqual([outcome])
  })

  test('takes a write that throws for lost', async () => {
    const { add, flush, stops, end } = gatedBatcher()
    add('a')
    await end(new Error('Connection is closed.'))
    expect(await flush()).toBe('lost')
    expect(stops).toEqual(['lost'])
  })
})
