import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ServerFrame } from '../../../src/api/chat/frames.ts'
import { answerParts } from '../../../src/api/openai/answer-parts.ts'
import { stoppingError } from '../../../src/api/openai/errors.ts'
import { newId } from '../../support/council.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const requestId = newId()
const approvalId = newId()
const approval = (state: 'waiting' | 'granted'): ServerFrame => ({
  type: 'approval',
  requestId,
  id: 'x',
  approvalId,
  action: 'ReleaseAnswer',
  state,
})

/** The parts of a feed that sends these frames and then stays silent. */
function partsOf(...frames: ServerFrame[]) {
  const stop = new AbortController()
  let isReturned = false
  async function* feed(): AsyncGenerator<ServerFrame> {
    try {
      yield* frames
      await new Promise((resolve) => {
        if (stop.signal.aborted) resolve(null)
        stop.signal.addEventListener('abort', resolve)
      })
    } finally {
      isReturned = true
    }
  }
  const parts = answerParts(feed(), {
    idleMs: 10_000,
    approvalWaitMs: 25_000,
    cutOff: stop.signal,
    elapsedMs: () => performance.now(),
  })
  const next = async (afterMs: number) => {
    const part = parts.next()
    await vi.advanceTimersByTimeAsync(afterMs)
    return (await part).value
  }
  return { next, stop, isReturned: () => isReturned }
}

describe('an answer over HTTP', () => {
  test('says that it goes on while nothing comes', async () => {
    const { next } = partsOf()
    expect(await next(10_000)).toEqual({ kind: 'idle', why: 'in progress' })
    expect(await next(10_000)).toEqual({ kind: 'idle', why: 'in progress' })
  })

  test('names the approval that it waits for, and gives up after the longest wait', async () => {
    const { next } = partsOf(approval('waiting'))
    const idle = { kind: 'idle', why: `waits for a person, approval ${approvalId}` }
    expect([await next(10_000), await next(10_000)]).toEqual([idle, idle])
    expect(await next(5_000)).toMatchObject({ kind: 'failed', error: { status: 409, code: 'approval_pending' } })
    expect(await next(0)).toBeUndefined()
  })

  test('does not give up once a person has decided', async () => {
    const { next } = partsOf(approval('waiting'), approval('granted'))
    for (let i = 0; i < 4; i++) expect(await next(10_000)).toEqual({ kind: 'idle', why: 'in progress' })
  })

  test('ends with its last frame, and leaves its feed', async () => {
    const { next, isReturned } = partsOf({ type: 'cancelled', requestId, id: 'x', costMicros: 0 })
    expect(await next(0)).toMatchObject({ kind: 'failed', error: { code: 'prompt_cancelled' } })
    expect(await next(0)).toBeUndefined()
    expect(isReturned()).toBe(true)
  })

  test('ends with the error that cuts it off, and leaves its feed', async () => {
    const { next, stop, isReturned } = partsOf()
    const part = next(0)
    stop.abort(stoppingError)
    expect(await part).toEqual({ kind: 'failed', error: stoppingError })
    expect(await next(0)).toBeUndefined()
    expect(isReturned()).toBe(true)
  })
})
