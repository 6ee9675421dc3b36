import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { RecordedEvent } from '../../src/events/event.ts'
import { comparePositions } from '../../src/events/identifiers.ts'
import type { AppendResult, EventLog } from '../../src/events/log/log.ts'
import { everythingIn, type LogSubject } from './log-subject.ts'
import { appendSteps, appendRunner, type Attempt } from './event-log-sequences.ts'

/** Properties of a log after every one of a random sequence of appends over a few streams. */
export async function appendProperties(setUp: () => Promise<LogSubject>): Promise<void> {
  const subject = await setUp()
  afterAll(subject.close)
  const log = await subject.open()

  test('keeps its invariants over any batches of commands', async () => {
    await fc.assert(
      fc.asyncProperty(appendSteps, async (steps) => {
        const runner = appendRunner(log)
        const before = await everythingIn(log)
        let known = before
        for (const step of steps) {
          const attempt = await runner.run(step)
          const now = await everythingIn(log)
          expect(now.slice(0, known.length)).toEqual(known)
          assertWritten(attempt, now.slice(known.length))
          known = now
        }
        assertInOrder(known)
        await assertStates(log, known, runner.streams)
      }),
      { numRuns: 40 },
    )
  })
}

/** The log holds exactly the acknowledged events. */
function assertWritten({ request, result }: Attempt, written: readonly RecordedEvent[]): void {
  if (!isAppended(result)) return expect(written).toEqual([])
  expect(written.map(({ position, sequence, stream }) => ({ position, sequence, stream }))).toEqual(
    request.events.map(({ stream }, index) => ({
      position: result.positions[index],
      sequence: result.firstSequence + index,
      stream,
    })),
  )
}

const isAppended = (result: Attempt['result']): result is Extract<AppendResult, { result: 'appended' }> =>
  'result' in result && result.result === 'appended'

/** Gapless sequences from 1, rising positions, and revisions from 1 to n in every stream. */
function assertInOrder(events: readonly RecordedEvent[]): void {
  const revisions = new Map<string, number>()
  events.forEach((event, index) => {
    expect(event.sequence).toBe(index + 1)
    const before = events[index - 1]
    if (before) expect(comparePositions(before.position, event.position)).toBeLessThan(0)
    expect(event.revision).toBe((revisions.get(event.stream) ?? 0) + 1)
    revisions.set(event.stream, event.revision)
  })
}

async function assertStates(
  log: EventLog,
  events: readonly RecordedEvent[],
  streams: Parameters<EventLog['loadStates']>[0],
): Promise<void> {
  const newest = new Map(events.map(({ stream, revision }) => [stream, revision]))
  const states = await log.loadStates(streams)
  expect(states.map(({ revision }) => revision)).toEqual(streams.map((stream) => newest.get(stream) ?? 0))
}
