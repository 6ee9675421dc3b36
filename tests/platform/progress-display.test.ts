import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startProgress, type ProgressOptions } from '../../src/platform/progress-display.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function watch(stream: { isTTY?: boolean; columns?: number }, options: Partial<ProgressOptions> = {}) {
  const written: string[] = []
  const clock = { nowMs: () => Date.now() }
  const progress = startProgress({
    label: 'rebuilding',
    stream: { ...stream, write: (text) => written.push(text) },
    clock,
    ...options,
  })
  /** The text on the screen, or the last JSON line. */
  const last = (): string => (written.at(-1) ?? '').replace('\r\x1b[2K', '')
  return { progress, written, last }
}

describe('progress on a terminal', () => {
  test('shows nothing in the first second', () => {
    const { progress, written } = watch({ isTTY: true })
    vi.advanceTimersByTime(900)
    progress.end('done')
    vi.advanceTimersByTime(5_000)
    expect(written).toEqual([])
  })

  test('shows a spinner while the total is unknown', () => {
    const { last } = watch({ isTTY: true })
    vi.advanceTimersByTime(1_000)
    expect(last()).toBe('⠋ rebuilding  1 s')
    vi.advanceTimersByTime(100)
    expect(last()).toBe('⠙ rebuilding  1 s')
  })

  test('shows a bar with rate and remaining time when the total is known', () => {
    const { progress, last } = watch({ isTTY: true })
    progress.update(2_500, 10_000)
    vi.advanceTimersByTime(2_000)
    expect(last()).toBe('[======                  ]  25% rebuilding  2,500  1,250/s  6 s left')
  })

  test('counts bytes in MB, and long times in minutes', () => {
    const { progress, last } = watch({ isTTY: true }, { unit: 'bytes' })
    progress.update(50_000_000, 500_000_000)
    vi.advanceTimersByTime(10_000)
    expect(last()).toBe('[==                      ]  10% rebuilding  50.0 MB  5.0 MB/s  1 min 30 s left')
  })

  test('stays on one line on a narrow terminal', () => {
    const { written } = watch({ isTTY: true, columns: 10 })
    vi.advanceTimersByTime(3_000)
    expect(written.every((text) => text.startsWith('\r\x1b[2K') && text.length <= '\r\x1b[2K'.length + 9)).toBe(true)
  })

  test.each([
    ['done', '✓ rebuilding  2 s\n'],
    ['failed', '✗ rebuilding  2 s\n'],
  ] as const)('leaves one line when it is %s', (outcome, line) => {
    const { progress, last, written } = watch({ isTTY: true })
    vi.advanceTimersByTime(2_000)
    progress.end(outcome)
    expect(last()).toBe(line)
    const count = written.length
    vi.advanceTimersByTime(5_000)
    expect(written).toHaveLength(count)
  })
})

describe('progress in a pipe', () => {
  test('is one JSON line per second, and one at the end', () => {
    const { progress, written } = watch({})
    progress.update(300, 900)
    vi.advanceTimersByTime(1_500)
    progress.end('done')
    const line = { progress: 'rebuilding', unit: 'items', done: 300, total: 900 }
    expect(written.map((text) => JSON.parse(text) as unknown)).toEqual([
      { ...line, state: 'running', elapsedMs: 1_000, perSecond: 300, remainingMs: 2_000 },
      { ...line, state: 'done', elapsedMs: 1_500, perSecond: 200, remainingMs: 3_000 },
    ])
    expect(written.every((line) => line.endsWith('\n'))).toBe(true)
  })

  test('omits amounts that were not counted', () => {
    const { written } = watch({})
    vi.advanceTimersByTime(1_000)
    expect(JSON.parse(written[0] ?? '')).toEqual({ progress: 'rebuilding', state: 'running', elapsedMs: 1_000 })
  })
})
