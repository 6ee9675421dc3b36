import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answerReaders } from '../../../src/api/openai/readers.ts'
import { Principal, type Uuid7 } from '../../../src/events/identifiers.ts'
import { newId } from '../../support/council.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const anna = Principal.parse('anna')

function readersOf(requestId: Uuid7) {
  const cancelled: Uuid7[] = []
  const readers = answerReaders(async (_, id) => void cancelled.push(id))
  return { cancelled, close: readers.close, read: () => readers.add(requestId, anna) }
}

describe('a prompt whose reader has left', () => {
  const requestId = newId()

  test('is cancelled after three seconds', () => {
    const { cancelled, read } = readersOf(requestId)
    read()(true)
    vi.advanceTimersByTime(2_999)
    expect(cancelled).toEqual([])
    vi.advanceTimersByTime(1)
    expect(cancelled).toEqual([requestId])
  })

  test('goes on when a reader comes back, or when another one still reads', () => {
    const { cancelled, read } = readersOf(requestId)
    read()(true)
    const again = read()
    read()(true)
    vi.advanceTimersByTime(60_000)
    expect(cancelled).toEqual([])
    again(true)
    vi.advanceTimersByTime(3_000)
    expect(cancelled).toEqual([requestId])
  })

  test('goes on when it was answered, and when it is the server that leaves', () => {
    const { cancelled, read, close } = readersOf(requestId)
    read()(false)
    read()(true)
    const last = read()
    close()
    last(true)
    vi.advanceTimersByTime(60_000)
    expect(cancelled).toEqual([])
  })
})
