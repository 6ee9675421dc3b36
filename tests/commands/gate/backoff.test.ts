import { describe, expect, test } from 'vitest'
import { createBackoff, type Backoff } from '../../../src/commands/gate/backoff.ts'
import type { Position } from '../../../src/events/identifiers.ts'

const answered = (backoff: Backoff, firstSequence: number, events = 1): void =>
  backoff.answered({
    result: 'appended',
    firstSequence,
    positions: Array.from({ length: events }, (_, n) => `1-${n}` as Position),
    anyRevisions: new Map(),
  })
const lost = (backoff: Backoff): void => backoff.answered({ result: 'conflict', current: [] })

/** The number of back-to-back appends while enough commands wait; each is answered before the next is sent. */
function rowOf(backoff: Backoff, from: number): number {
  backoff.firstSize(1_000)
  for (let sent = 0; ; sent++) {
    if (sent > 0 && backoff.pipelinedSize([32], 32) === 0) return sent
    backoff.sent()
    answered(backoff, from + sent)
  }
}

describe('the backoff of a gate', () => {
  test('takes a small backlog whole and half of a large one', () => {
    const backoff = createBackoff()
    expect([1, 40, 63, 64, 100].map((waiting) => backoff.firstSize(waiting))).toEqual([1, 40, 63, 32, 50])
    expect(backoff.pipelinedSize([32], 32)).toBe(32)
    expect(backoff.pipelinedSize([50], 60)).toBe(55)
  })

  test('sends no second append if too few commands wait or two appends are in flight', () => {
    const backoff = createBackoff()
    expect(backoff.pipelinedSize([], 500)).toBe(0)
    expect(backoff.pipelinedSize([1], 31)).toBe(0)
    expect(backoff.pipelinedSize([500], 100)).toBe(0)
    expect(backoff.pipelinedSize([32, 32], 500)).toBe(0)
    backoff.endRun()
    expect(backoff.pipelinedSize([32], 500)).toBe(0)
  })

  test('pauses after 64 appends alone, and after 4 with a competitor', () => {
    const backoff = createBackoff()
    expect(rowOf(backoff, 1)).toBe(64)
    // Another gate wrote event 65.
    expect(rowOf(backoff, 66)).toBe(4)
    let next = 70
    for (let rows = 0; rows < 16; rows++) next += rowOf(backoff, next)
    expect(rowOf(backoff, next)).toBe(64)
  })

  test('takes fewer commands after a conflict, at least a quarter, until an append is applied', () => {
    const backoff = createBackoff()
    expect(backoff.lostLast()).toBe(false)
    const sizes = [1, 2, 3].map(() => (lost(backoff), backoff.firstSize(200)))
    expect(sizes).toEqual([50, 25, 25])
    expect(backoff.lostLast()).toBe(true)
    answered(backoff, 1)
    expect([backoff.firstSize(200), backoff.lostLast()]).toEqual([100, false])
    lost(backoff)
    expect(rowOf(backoff, 2)).toBe(4)
  })
})
