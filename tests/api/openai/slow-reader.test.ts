import { Readable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { cutSlowReader } from '../../../src/api/openai/slow-reader.ts'

async function* texts(): AsyncGenerator<string> {
  for (let number = 1; number <= 100; number += 1) yield `event ${number}\n`
}

const fakeTime = (): void => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
}

test('a reader that takes nothing for a while is cut off', async () => {
  fakeTime()
  const cut = vi.fn()
  const body = Readable.from(cutSlowReader(texts(), 10_000, cut))
  body.on('readable', () => undefined)
  await vi.advanceTimersByTimeAsync(9_999)
  expect(cut).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2)
  expect(cut).toHaveBeenCalledOnce()
  body.destroy()
})

test('a reader that takes each event in time is not, however long the answer takes', async () => {
  fakeTime()
  const cut = vi.fn()
  let taken = 0
  for await (const event of cutSlowReader(texts(), 10_000, cut)) {
    expect(event).toBe(`event ${(taken += 1)}\n`)
    await vi.advanceTimersByTimeAsync(9_000)
  }
  expect([taken, cut.mock.calls.length, vi.getTimerCount()]).toEqual([100, 0, 0])
})
