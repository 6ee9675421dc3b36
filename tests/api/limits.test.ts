import { describe, expect, test } from 'vitest'
import { subjectLimits } from '../../src/api/limits.ts'

function limits() {
  const clock = { nowMs: 0 }
  const settings = {
    maxSocketsPerSubject: 2,
    maxInFlightPerSubject: 1,
    maxPromptsPerMinute: 2,
    maxFramesPerSecond: 10,
    elapsedMs: () => clock.nowMs,
  }
  return { clock, ...subjectLimits(settings) }
}

test.each(['socket', 'inFlight'] as const)('%s counts places per subject and takes them back', (kind) => {
  const { [kind]: take, maxFeedsPerSocket } = limits()
  const max = kind === 'socket' ? 2 : maxFeedsPerSocket
  const releases = Array.from({ length: max }, () => take('ada'))
  expect(releases.every((release) => release !== null)).toBe(true)
  expect(take('ada')).toBeNull()
  expect(take('bob')).not.toBeNull()
  releases[0]?.()
  expect(take('ada')).not.toBeNull()
})

test('prompts are limited per minute and subject', async () => {
  const { prompt } = limits()
  const allowed = await Promise.all(['ada', 'ada', 'ada', 'bob'].map((subject) => prompt(subject)))
  expect(allowed).toEqual([true, true, false, true])
})

describe('frames', () => {
  test('of one second pass at once, later ones at the steady rate', () => {
    const { frameDelayMs } = limits()
    const delays = Array.from({ length: 14 }, () => frameDelayMs('ada'))
    expect(delays).toEqual([...Array.from({ length: 11 }, () => 0), 100, 200, 300])
    expect(frameDelayMs('bob')).toBe(0)
  })

  test('pass at once again after a quiet second', () => {
    const { clock, frameDelayMs } = limits()
    for (let sent = 0; sent < 11; sent++) frameDelayMs('ada')
    clock.nowMs = 1_100
    expect(Array.from({ length: 12 }, () => frameDelayMs('ada'))).toEqual([...Array.from({ length: 11 }, () => 0), 100])
  })
})
