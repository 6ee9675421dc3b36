import { describe, expect, test } from 'vitest'
import { createPace, type Pace } from '../../../src/commands/gate/backoff.ts'
import type { Position } from '../../../src/events/identifiers.ts'

const landed = (pace: Pace, firstSequence: number, events = 1): void =>
  pace.landed({ result: 'appended', firstSequence, positions: Array.from({ length: events }, (_, n) => `1-${n}` as Position), anyRevisions: new Map() })
const lost = (pace: Pace): void => pace.landed({ result: 'conflict', current: [] })

/** How many appends follow one another while enough wait, each landing before the next is sent. */
function rowOf(pace: Pace, from: number): number {
  pace.first(1_000)
  for (let sent = 0; ; sent++) {
    if (sent > 0 && pace.behind([32], 32) === 0) return sent
    pace.sent()
    landed(pace, from + sent)
  }
}

describe('the pace of a gate', () => {
  test('takes all of few, and half of many, so that the other half follows', () => {
    const pace = createPace()
    expect([1, 40, 63, 64, 100].map((waiting) => pace.first(waiting))).toEqual([1, 40, 63, 32, 50])
    expect(pace.behind([32], 32)).toBe(32)
    expect(pace.behind([50], 60)).toBe(55)
  })

  test('lets nothing follow where little waits, less than its share, or two are in flight', () => {
    const pace = createPace()
    expect(pace.behind([], 500)).toBe(0)
    expect(pace.behind([1], 31)).toBe(0)
    expect(pace.behind([500], 100)).toBe(0)
    expect(pace.behind([32, 32], 500)).toBe(0)
    pace.endRow()
    expect(pace.behind([32], 500)).toBe(0)
  })

  test('pauses after long rows where nobody else writes, and after short ones where somebody does', () => {
    const pace = createPace()
    expect(rowOf(pace, 1)).toBe(64)
    // Event 65 is somebody else's.
    expect(rowOf(pace, 66)).toBe(4)
    let next = 70
    for (let rows = 0; rows < 16; rows++) next += rowOf(pace, next)
    expect(rowOf(pace, next)).toBe(64)
  })

  test('takes fewer after a conflict, at least a quarter, until an append is applied', () => {
    const pace = createPace()
    expect(pace.hasLost()).toBe(false)
    const sizes = [1, 2, 3].map(() => (lost(pace), pace.first(200)))
    expect(sizes).toEqual([50, 25, 25])
    expect(pace.hasLost()).toBe(true)
    landed(pace, 1)
    expect([pace.first(200), pace.hasLost()]).toEqual([100, false])
    lost(pace)
    expect(rowOf(pace, 2)).toBe(4)
  })
})
