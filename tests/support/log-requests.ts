import { type StreamName, type Uuid7, Principal } from '../../src/events/identifiers.ts'
import type { AppendRequest, ExpectedRevision } from '../../src/events/log/log.ts'
import { newId } from './council.ts'

const metadata = (commandId: string) =>
  JSON.stringify({
    eventId: newId(),
    commandId,
    correlationId: commandId,
    causationId: commandId,
    actor: 'tester',
    occurredAt: '2026-11-23T12:00:00.000Z',
  })

/** An event for any stream of a test. */
export const anEvent = (stream: StreamName, commandId: Uuid7) => ({
  stream,
  type: 'CancellationRequested',
  version: 1,
  data: '{"by":"tester"}',
  metadata: metadata(commandId),
})

type Revision = ExpectedRevision['revision']

/** An append of one event to each stream, at the given revisions. */
export function write(
  streams: { stream: StreamName; revision: Revision }[],
  commandId: Uuid7 = newId(),
): AppendRequest {
  return {
    commands: [{ principal: Principal.parse('tester'), commandId, contentHash: 'h', events: streams.length }],
    reads: streams.map(({ stream, revision }) => ({ stream, revision })),
    events: streams.map(({ stream }) => anEvent(stream, commandId)),
    states: streams.map(({ stream }) => ({ stream, deadlineMs: null, stateVersion: 1, state: '{}' })),
    jobs: [],
    finishedJobs: [],
  }
}

/** An append of one event to one stream. */
export const writeTo = (stream: StreamName, revision: Revision = 0, commandId?: Uuid7): AppendRequest =>
  write([{ stream, revision }], commandId)

/** An append of the event that finishes a stream. */
export const finishing = (stream: StreamName, revision = 0): AppendRequest => ({
  ...writeTo(stream, revision),
  states: [{ stream, deadlineMs: null, stateVersion: 1, state: null }],
})
