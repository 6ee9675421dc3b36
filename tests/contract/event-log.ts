import { afterAll, describe, expect, test } from 'vitest'
import { chatStream } from '../../src/events/chat.ts'
import { commandWindowMs, StreamName, Principal } from '../../src/events/identifiers.ts'
import type { AppendRequest, AppendResult, EventLog, ExpectedRevision } from '../../src/events/log/log.ts'
import { idAt, newId } from '../support/council.ts'
import { finishing, write, writeTo } from '../support/log-requests.ts'
import { appendProperties } from './event-log-properties.ts'
import { deadlines, lease } from './event-log-clock.ts'
import { reads } from './event-log-reads.ts'
import { everythingIn, type LogSubject } from './log-subject.ts'

const aStream = () => chatStream(newId())
/** A stream that never finishes, because its name has no time. */
const aLastingStream = () => StreamName.parse(`budget/test/${newId().slice(-12)}`)

function appended(result: AppendResult): Extract<AppendResult, { result: 'appended' }> {
  if (result.result !== 'appended') throw new Error(`expected an append, not ${JSON.stringify(result)}`)
  return result
}

/** The contract of every log, run on Redis and in memory. */
export function eventLogContract(name: string, setUp: () => Promise<LogSubject>): void {
  describe(name, async () => {
    const subject = await setUp()
    afterAll(subject.close)
    const log = await subject.open()
    appends(log)
    jobs(log, subject)
    deadlines(log)
    lease(subject)
    ids(log)
    reads(log)
    losses(subject)
    await appendProperties(setUp)
  })
}

/** A command without events. */
const eventless = (commandId = newId()) => ({
  principal: Principal.parse('tester'),
  commandId,
  contentHash: 'h',
  events: 0,
})

function appends(log: EventLog): void {
  describe('an append', () => {
    test('over several aggregates is atomic and in order', async () => {
      const [first, second] = [aStream(), aStream()]
      const both = (firstRevision: number, secondRevision: number) =>
        log.append(
          write([
            { stream: first, revision: firstRevision },
            { stream: second, revision: secondRevision },
          ]),
        )
      const done = appended(await both(0, 0))
      expect(done.positions).toHaveLength(2)
      const before = await everythingIn(log)
      expect(before.slice(-2)).toMatchObject([
        { stream: first, revision: 1, sequence: done.firstSequence, position: done.positions[0] },
        { stream: second, revision: 1, sequence: done.firstSequence + 1, position: done.positions[1] },
      ])
      expect(await both(1, 7)).toEqual({
        result: 'conflict',
        current: [{ stream: second, status: 'live', revision: 1, stateVersion: 1, state: '{}' }],
      })
      expect(await everythingIn(log)).toEqual(before)
    })

    test('checks the revision of an aggregate that it only reads', async () => {
      const [read, written] = [aStream(), aStream()]
      await log.append(writeTo(read))
      const request = writeTo(written)
      const stale = { ...request, reads: [...request.reads, { stream: read, revision: 0 }] }
      expect(await log.append(stale)).toMatchObject({ result: 'conflict', current: [{ stream: read, revision: 1 }] })
      const wrong = { ...request, reads: [...request.reads, { stream: aStream(), revision: 1 }] }
      const absent = { status: 'absent', revision: 0 }
      expect(await log.append(wrong)).toMatchObject({ result: 'conflict', current: [absent] })
    })

    test('checks an expected state too, because another writer may have reached the same revision', async () => {
      const [stream, ended] = [aStream(), aStream()]
      const theirs = { stateVersion: 1, state: '{"by":"them"}' }
      await log.append({ ...writeTo(stream), states: [{ stream, deadlineMs: null, ...theirs }] })
      await log.append(finishing(ended))
      const expecting = (read: ExpectedRevision) => {
        const request = writeTo(aStream())
        return log.append({ ...request, reads: [...request.reads, read] })
      }
      for (const state of [
        { ...theirs, state: '{"by":"us"}' },
        { ...theirs, stateVersion: 2 },
        { ...theirs, state: null },
      ])
        expect(await expecting({ stream, revision: 1, state })).toEqual({
          result: 'conflict',
          current: [{ stream, status: 'live', revision: 1, ...theirs }],
        })
      expect(await expecting({ stream, revision: 0, state: theirs })).toMatchObject({ result: 'conflict' })
      expect(await expecting({ stream, revision: 1, state: theirs })).toMatchObject({ result: 'appended' })
      expect(await expecting({ stream: ended, revision: 1, state: theirs })).toEqual({
        result: 'conflict',
        current: [{ stream: ended, status: 'finished', revision: 1 }],
      })
      expect(await expecting({ stream: ended, revision: 1, state: { stateVersion: 1, state: null } })).toMatchObject({
        result: 'appended',
      })
    })

    test('accepts any revision on an append-only stream, and returns it', async () => {
      const stream = aLastingStream()
      await log.append(writeTo(stream))
      expect(appended(await log.append(writeTo(stream, 'any'))).anyRevisions).toEqual(new Map([[stream, 1]]))
      expect(await log.loadStates([stream])).toMatchObject([{ revision: 2 }])
    })

    test('of no events confirms the reads and writes nothing', async () => {
      const stream = aStream()
      await log.append(writeTo(stream))
      const before = await everythingIn(log)
      const commandId = newId()
      const look: AppendRequest = { ...write([]), commands: [eventless(commandId)], reads: [{ stream, revision: 1 }] }
      expect(await log.append(look)).toMatchObject({ result: 'appended', positions: [] })
      expect(await log.findCommand(Principal.parse('tester'), commandId)).toBeNull()
      expect(await everythingIn(log)).toEqual(before)
    })

    test('keeps exact numbers and empty lists, because it never decodes JSON', async () => {
      const stream = aStream()
      const state = '{"exact":100000000000001,"empty":[]}'
      await log.append({ ...writeTo(stream), states: [{ stream, deadlineMs: null, stateVersion: 1, state }] })
      expect(await log.loadStates([stream])).toMatchObject([{ state }])
    })

    test('over a state of a newer program stops the log instead of overwriting it', async () => {
      const stream = aStream()
      await log.append({ ...writeTo(stream), states: [{ stream, deadlineMs: null, stateVersion: 9, state: '{}' }] })
      await expect(log.append(writeTo(stream, 1))).rejects.toMatchObject({ code: 'state_of_newer_program' })
    })

    test('to a stream that was not read throws and writes nothing', async () => {
      const before = await everythingIn(log)
      await expect(log.append({ ...writeTo(aStream()), reads: [] })).rejects.toThrow('was not read')
      expect(await everythingIn(log)).toEqual(before)
    })

    test('that finishes a stream keeps only its revision, and the stream can never start again', async () => {
      const stream = aStream()
      await log.append(writeTo(stream))
      await log.append(finishing(stream, 1))
      const finished = { stream, status: 'finished', revision: 2 }
      expect(await log.loadStates([stream])).toEqual([finished])
      expect(await log.append(writeTo(stream))).toEqual({ result: 'conflict', current: [finished] })
    })

    test('does not finish a stream whose name has no time, because its revision could never be dropped', async () => {
      const stream = aLastingStream()
      await expect(log.append(finishing(stream))).rejects.toThrow('cannot finish')
      expect(await log.loadStates([stream])).toEqual([{ stream, status: 'absent', revision: 0 }])
    })
  })
}

function jobs(log: EventLog, subject: LogSubject): void {
  describe('a job', () => {
    test('is added by the append of its event, and removed by the append that finishes it', async () => {
      const stream = aStream()
      const started = appended(await log.append({ ...writeTo(stream), jobs: [{ kind: 'answer', stream, command: 0 }] }))
      const job = (await subject.jobs()).find((queued) => queued.stream === stream)
      expect(job).toMatchObject({ kind: 'answer', position: started.positions[0] })
      await log.append({ ...writeTo(stream, 1), finishedJobs: [job?.entry ?? ''] })
      expect((await subject.jobs()).filter((queued) => queued.stream === stream)).toEqual([])
    })

    test('stays in the queue when the append that would finish it is refused', async () => {
      const stream = aStream()
      await log.append({ ...writeTo(stream), jobs: [{ kind: 'answer', stream, command: 0 }] })
      const before = await subject.jobs()
      expect(await log.append({ ...writeTo(stream, 7), finishedJobs: before.map(({ entry }) => entry) })).toMatchObject(
        { result: 'conflict' },
      )
      expect(await subject.jobs()).toEqual(before)
    })

    test('of a command without events throws and writes nothing', async () => {
      const before = await subject.jobs()
      const stream = aStream()
      const request: AppendRequest = {
        ...write([]),
        commands: [eventless()],
        jobs: [{ kind: 'answer', stream, command: 0 }],
      }
      await expect(log.append(request)).rejects.toThrow('needs an event')
      expect(await subject.jobs()).toEqual(before)
    })
  })
}

function ids(log: EventLog): void {
  describe('a command id', () => {
    test('that is known returns the positions of its events, whatever else has changed', async () => {
      const stream = aStream()
      const commandId = newId()
      const [position] = appended(await log.append(writeTo(stream, 0, commandId))).positions
      await log.append(writeTo(stream, 1))
      expect(await log.append(writeTo(stream, 0, commandId))).toEqual({
        result: 'duplicate',
        known: [{ index: 0, contentHash: 'h', first: position, last: position }],
      })
      expect(await log.findCommand(Principal.parse('tester'), commandId)).toMatchObject({
        first: position,
        last: position,
      })
      expect(await log.findCommand(Principal.parse('bob'), commandId)).toBeNull()
    })

    test('in a batch that is partly known writes nothing and is reported', async () => {
      const known = newId()
      const [position] = appended(await log.append(writeTo(aStream(), 0, known))).positions
      const fresh = writeTo(aStream())
      const repeated = writeTo(aStream(), 0, known)
      const batch = {
        ...fresh,
        commands: [...fresh.commands, ...repeated.commands],
        reads: [...fresh.reads, ...repeated.reads],
        events: [...fresh.events, ...repeated.events],
        states: [],
      }
      expect(await log.append(batch)).toEqual({
        result: 'duplicate',
        known: [{ index: 1, contentHash: 'h', first: position, last: position }],
      })
      expect(await log.loadStates(fresh.reads.map(({ stream }) => stream))).toMatchObject([{ revision: 0 }])
    })

    test('is separate for each principal', async () => {
      const commandId = newId()
      await log.append(writeTo(aStream(), 0, commandId))
      const request = writeTo(aStream(), 0, commandId)
      const commands = request.commands.map((command) => ({ ...command, principal: Principal.parse('bob') }))
      expect(await log.append({ ...request, commands })).toMatchObject({ result: 'appended' })
    })

    test.each([
      ['of a command', (ms: number) => writeTo(aLastingStream(), 0, idAt(ms))],
      ['of a stream that a command starts', (ms: number) => writeTo(chatStream(idAt(ms)))],
    ])('%s is rejected if it is older than the window or too far ahead of the log’s clock', async (_, requestAt) => {
      const outcome = (fromNowMs: number) => log.append(requestAt(Date.now() + fromNowMs))
      const minuteMs = 60_000
      const expired = { result: 'stale_ids', expired: [0], ahead: [] }
      expect(await outcome(-commandWindowMs - minuteMs)).toEqual(expired)
      expect(await outcome(6 * minuteMs)).toEqual({ ...expired, expired: [], ahead: [0] })
      expect(await outcome(-commandWindowMs + minuteMs)).toMatchObject({ result: 'appended' })
      expect(await outcome(4 * minuteMs)).toMatchObject({ result: 'appended' })
    })

    test('of a stream counts for the command that starts it, and not for the next one in the batch', async () => {
      const stream = chatStream(idAt(Date.now() - commandWindowMs - 60_000))
      const first = writeTo(stream)
      const second = writeTo(stream, 1)
      const batch = {
        ...first,
        commands: [...first.commands, ...second.commands],
        events: [...first.events, ...second.events],
      }
      expect(await log.append(batch)).toEqual({ result: 'stale_ids', expired: [0], ahead: [] })
    })

    test('of an idempotency key is the same while it is remembered', async () => {
      const [first, second] = [newId(), newId()]
      const key = `order ${newId()}`
      expect(await log.commandIdFor(Principal.parse('tester'), key, () => first)).toBe(first)
      expect(await log.commandIdFor(Principal.parse('tester'), key, () => second)).toBe(first)
      expect(await log.commandIdFor(Principal.parse('bob'), key, () => second)).toBe(second)
    })
  })
}

function losses(subject: LogSubject): void {
  describe('a damaged log', () => {
    test.each([
      ['lost its newest event', 'loseNewest', 'log_lost_its_tail'],
      ['was replaced', 'replace', 'log_replaced'],
      ['holds half of an append', 'halt', 'log_halted'],
    ] as const)('that %s is not written to', async (_, damage, code) => {
      const other = await subject.another()
      const log = await other.open()
      for (const stream of [aStream(), aStream()]) await log.append(writeTo(stream))
      await other[damage]()
      const before = await everythingIn(log)
      await expect(log.append(writeTo(aStream()))).rejects.toMatchObject({ name: 'LogStopped', code })
      expect(await everythingIn(log)).toEqual(before)
      other.close()
    })

    test('is reported before a known command', async () => {
      const other = await subject.another()
      const log = await other.open()
      const request = writeTo(aStream())
      await log.append(request)
      await other.halt()
      await expect(log.append(request)).rejects.toMatchObject({ code: 'log_halted' })
      other.close()
    })
  })
}
