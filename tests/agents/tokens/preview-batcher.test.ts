import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Run } from '../../../src/agents/run.ts'
import { chatStream } from '../../../src/events/chat.ts'
import { Principal } from '../../../src/events/identifiers.ts'
import { previewBatcher } from '../../../src/agents/tokens/preview-batcher.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { newId } from '../../support/council.ts'

const { signal } = new AbortController()
const newRun = (attempt = 1): Run => {
  const requestId = newId()
  return {
    work: chatStream(requestId),
    requestId,
    attempt,
    submittedAt: '2026-11-23T12:00:00.000Z',
    causationId: 'cause',
    asker: Principal.parse('anna'),
    signal,
    leaving: signal,
    deadline: signal,
    logger: silentLogger,
  }
}

/** A writer that a test lets finish one write at a time. */
function gatedWriter() {
  const written: { run: string; attempt: number; member: string; text: string }[] = []
  const open: { finish: () => void; fail: () => void }[] = []
  return {
    written,
    open,
    write: (run: string, attempt: number, member: string, text: string) => {
      written.push({ run, attempt, member, text })
      const { promise, resolve, reject } = Promise.withResolvers<undefined>()
      open.push({ finish: () => resolve(undefined), fail: () => reject(new Error('Connection is closed.')) })
      return promise
    },
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a preview batcher', () => {
  test('merges the pieces of a moment into one write', async () => {
    const { write, written } = gatedWriter()
    const run = newRun(2)
    const add = previewBatcher(write)
    for (const piece of ['The ', 'capital ', 'is']) add(run, 'analyst', piece)
    expect(written).toEqual([])
    await vi.advanceTimersByTimeAsync(20)
    expect(written).toEqual([{ run: run.requestId, attempt: 2, member: 'analyst', text: 'The capital is' }])
  })

  test('has at most one write under way for a member, and merges the pieces that wait for it', async () => {
    const { write, written, open } = gatedWriter()
    const run = newRun()
    const add = previewBatcher(write)
    add(run, 'analyst', 'a')
    await vi.advanceTimersByTimeAsync(20)
    for (const piece of ['b', 'c', 'd']) {
      add(run, 'analyst', piece)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(written.map(({ text }) => text)).toEqual(['a'])
    open[0]?.finish()
    await vi.advanceTimersByTimeAsync(0)
    expect(written.map(({ text }) => text)).toEqual(['a', 'bcd'])
  })

  test('keeps members and runs apart', async () => {
    const { write, written } = gatedWriter()
    const [first, second] = [newRun(), newRun()]
    const add = previewBatcher(write)
    add(first, 'analyst', 'a')
    add(first, 'sceptic', 'b')
    add(second, 'analyst', 'c')
    await vi.advanceTimersByTimeAsync(20)
    expect(written.map(({ run, member, text }) => [run, member, text])).toEqual([
      [first.requestId, 'analyst', 'a'],
      [first.requestId, 'sceptic', 'b'],
      [second.requestId, 'analyst', 'c'],
    ])
  })

  test('goes on after a failed write, without its piece', async () => {
    const { write, written, open } = gatedWriter()
    const run = newRun()
    const add = previewBatcher(write)
    add(run, 'analyst', 'lost')
    await vi.advanceTimersByTimeAsync(20)
    open[0]?.fail()
    await vi.advanceTimersByTimeAsync(0)
    add(run, 'analyst', 'kept')
    await vi.advanceTimersByTimeAsync(20)
    expect(written.map(({ text }) => text)).toEqual(['lost', 'kept'])
  })
})
