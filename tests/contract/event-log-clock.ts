import { describe, expect, test } from 'vitest'
import { chatStream } from '../../src/events/chat.ts'
import { StreamName } from '../../src/events/identifiers.ts'
import type { AppendRequest, EventLog, LeaseAnswer } from '../../src/events/log/log.ts'
import { newId } from '../support/council.ts'
import { finishing, writeTo } from '../support/log-requests.ts'
import { everythingIn, type LogSubject } from './log-subject.ts'

const aStream = () => chatStream(newId())
/** A stream that never finishes, because its name has no time. */
const aLastingStream = () => StreamName.parse(`budget/test/${newId().slice(-12)}`)

/** An append that leaves a stream with a deadline, or with none. */
const dueAt = (stream: StreamName, deadlineMs: number | null, revision = 0): AppendRequest => {
  const request = writeTo(stream, revision)
  return { ...request, states: request.states.map((state) => ({ ...state, deadlineMs })) }
}

export function deadlines(log: EventLog): void {
  describe('a deadline', () => {
    /** No other test has deadlines in the year 2001. */
    const startMs = Date.parse('2001-01-01T00:00:00.000Z')
    const indexed = async () =>
      (await log.deadlines({ limit: 1_000 })).filter(({ atMs }) => atMs < startMs + 86_400_000)

    test('changes with the append that writes the state, and leaves with the stream that finishes', async () => {
      const stream = aStream()
      await log.append(dueAt(stream, startMs + 5))
      expect(await indexed()).toEqual([{ stream, atMs: startMs + 5 }])
      expect(await log.append(dueAt(stream, startMs + 9, 7))).toMatchObject({ result: 'conflict' })
      expect(await indexed()).toEqual([{ stream, atMs: startMs + 5 }])
      await log.append(dueAt(stream, startMs, 1))
      expect(await indexed()).toEqual([{ stream, atMs: startMs }])
      await log.append(dueAt(stream, null, 2))
      expect(await indexed()).toEqual([])
      await log.append(dueAt(stream, startMs, 3))
      await log.append(finishing(stream, 4))
      expect(await indexed()).toEqual([])
    })

    test('is listed in the order of time and name, page by page, while streams leave the index', async () => {
      const streams = Array.from({ length: 7 }, aLastingStream).toSorted()
      const all = streams.map((stream, index) => ({ stream, atMs: startMs + Math.floor(index / 3) }))
      for (const { stream, atMs } of all.toReversed()) await log.append(dueAt(stream, atMs))
      const first = await log.deadlines({ limit: 2 })
      expect(first).toEqual(all.slice(0, 2))
      await log.append(dueAt(streams[0]!, null, 1))
      expect(await log.deadlines({ limit: 2, after: first[1]! })).toEqual(all.slice(2, 4))
      expect(await log.deadlines({ limit: 1, after: all[1]! })).toEqual(all.slice(2, 3))
      expect((await log.deadlines({ limit: 9, after: all[5]! }))[0]).toEqual(all[6])
      for (const stream of streams.slice(1)) await log.append(dueAt(stream, null, 1))
      expect(await indexed()).toEqual([])
    })

    test('that is no time throws and writes nothing', async () => {
      const stream = aStream()
      await expect(log.append(dueAt(stream, NaN))).rejects.toThrow('a deadline is a time in ms')
      expect(await log.loadStates([stream])).toMatchObject([{ status: 'absent' }])
    })
  })
}

export function lease(subject: LogSubject): void {
  describe('the lease of the scheduler', () => {
    /** Two processes on a log of their own. */
    async function processes() {
      const own = await subject.another()
      const [first, second] = [await own.open(), await own.open()]
      const hold = (log: EventLog, holder: string, token: number | null, lengthMs = 60_000) =>
        log.holdLease({ holder, token, lengthMs })
      return { own, first, second, hold }
    }
    const tokenOf = (answer: LeaseAnswer): number => {
      if (!answer.held) throw new Error(`held by ${answer.by}`)
      return answer.token
    }
    const under = (fence: number, stream = aStream()): AppendRequest => {
      const request = writeTo(stream)
      return { ...request, commands: request.commands.map((command) => ({ ...command, fence })) }
    }

    test('is held by one process at a time, which renews it under the same token', async () => {
      const { own, first, second, hold } = await processes()
      const token = tokenOf(await hold(first, 'first', null))
      expect(await hold(second, 'second', null)).toEqual({ held: false, by: 'first', leftMs: expect.any(Number) })
      expect(await hold(first, 'first', token)).toEqual({ held: true, token })
      expect(await hold(first, 'first', token, 0)).toEqual({ held: false, by: '', leftMs: 0 })
      expect(tokenOf(await hold(second, 'second', null))).toBeGreaterThan(token)
      expect(await hold(first, 'first', token, 0)).toMatchObject({ held: false, by: 'second' })
      own.close()
    })

    test('that expired may be renewed while no other process has taken it', async () => {
      const { own, first, second, hold } = await processes()
      const token = tokenOf(await hold(first, 'first', null, 1))
      await expect.poll(() => hold(first, 'first', token, 1)).toEqual({ held: true, token })
      await expect.poll(() => hold(second, 'second', null)).toMatchObject({ held: true })
      expect(await hold(first, 'first', token)).toMatchObject({ held: false, by: 'second' })
      own.close()
    })

    test('has a new token for a holder that has lost its own', async () => {
      const { own, first, hold } = await processes()
      const token = tokenOf(await hold(first, 'first', null))
      const again = tokenOf(await hold(first, 'first', null))
      expect(again).toBeGreaterThan(token)
      expect(tokenOf(await hold(first, 'first', token))).toBeGreaterThan(again)
      own.close()
    })

    test('fences what an earlier holder appends, before anything is written', async () => {
      const { own, first, second, hold } = await processes()
      const stale = tokenOf(await hold(first, 'first', null))
      const done = under(stale)
      expect(await first.append(done)).toMatchObject({ result: 'appended' })
      await hold(first, 'first', stale, 0)
      const current = tokenOf(await hold(second, 'second', null))
      const before = await everythingIn(first)
      expect(await first.append(under(stale))).toEqual({ result: 'fenced', commands: [0] })
      const [old, unfenced, fresh] = [under(stale), writeTo(aStream()), under(current)]
      const batch: AppendRequest = {
        ...old,
        commands: [old, unfenced, fresh].flatMap(({ commands }) => commands),
        reads: [old, unfenced, fresh].flatMap(({ reads }) => reads),
        events: [old, unfenced, fresh].flatMap(({ events }) => events),
        states: [],
      }
      expect(await first.append(batch)).toEqual({ result: 'fenced', commands: [0] })
      expect(await everythingIn(first)).toEqual(before)
      expect(await second.append(fresh)).toMatchObject({ result: 'appended' })
      expect(await first.append(writeTo(aStream()))).toMatchObject({ result: 'appended' })
      // A command that was appended under the old token is known, and is not fenced.
      expect(await first.append(done)).toMatchObject({ result: 'duplicate' })
      own.close()
    })

    test('of another log is not taken', async () => {
      const { own, first, hold } = await processes()
      await own.replace()
      await expect(hold(first, 'first', null)).rejects.toMatchObject({ code: 'log_replaced' })
      own.close()
    })
  })
}
