import { CodedError } from '../../platform/coded-error.ts'
import type { RecordedEvent } from '../event.ts'
import type { Position, StreamName, Uuid7 } from '../identifiers.ts'

/**
 * A command of an append. Its id is looked up first; where it has events it is remembered with a hash of its content
 * and the positions it led to. A refused command has none.
 */
export type AppendedCommand = { principal: string; commandId: Uuid7; contentHash: string; events: number }

/**
 * An aggregate that a decision looked at, written or not, and the revision it saw (0: no event yet; `any`: it does not matter).
 * Where it saw what an append in flight is still to write, the `state` too: somebody else may write as many events instead.
 */
export type ExpectedRevision = { stream: StreamName } & (
  { revision: 'any'; state?: never } | { revision: number; state?: FoldedState }
)

/** Data and metadata are JSON texts: these exact bytes are stored. */
export type NewEvent = { stream: StreamName; type: string; version: number; data: string; metadata: string }

/**
 * The folded state of an aggregate after its newest event, as JSON, and the version of the fold that made it. Null: the stream
 * is finished (its name ends in a UUIDv7); only its revision is remembered, as long as its id could be used again.
 */
export type FoldedState = { stateVersion: number; state: string | null }
export type NewState = { stream: StreamName } & FoldedState

/** Work that follows from the first event of a command, named by its index in the request. */
export type NewJob = { kind: string; stream: StreamName; command: number }

export type AppendRequest = {
  commands: readonly AppendedCommand[]
  /** Every aggregate that was read; each one that events are written to must be among them. */
  reads: readonly ExpectedRevision[]
  /** In the order of the commands. */
  events: readonly NewEvent[]
  states: readonly NewState[]
  jobs: readonly NewJob[]
  finishedJobs: readonly string[]
}

/** `absent`: never written to, or finished so long ago that nothing can start under its id any more. */
export type StoredState = { stream: StreamName; revision: number } & (
  { status: 'absent' } | { status: 'live'; stateVersion: number; state: string } | { status: 'finished' }
)
export type KnownCommand = { index: number; contentHash: string; first: Position; last: Position }

/** Expected outcomes of an append are values. In all but `appended` nothing was written. */
export type AppendResult =
  | {
      result: 'appended'
      firstSequence: number
      /** Of each event. */
      positions: Position[]
      /** Revisions, before this append, of the streams that were read with `any`. */
      anyRevisions: ReadonlyMap<StreamName, number>
    }
  | { result: 'duplicate'; known: KnownCommand[] }
  | { result: 'conflict'; current: StoredState[] }
  | { result: 'stale_ids'; expired: number[]; ahead: number[] }

export type ReadOptions = {
  /** Exclusive; from the beginning by default. */
  after?: Position
  /** Inclusive; to the end as it is now by default. */
  upTo?: Position
  streams?: readonly StreamName[]
  types?: readonly string[]
  /** At most so many events. */
  limit?: number
  /** `backward`: the newest first. */
  direction?: 'forward' | 'backward'
}

/** A council's log as everyone may look at it. */
export interface LogReader {
  /** States as they are now, in the order asked for. */
  loadStates: (streams: readonly StreamName[]) => Promise<StoredState[]>
  /** Events in order, page by page. Throws UnreadableEvent at the first entry that is not one. */
  read: (options?: ReadOptions) => AsyncGenerator<RecordedEvent[]>
  /** Everything after a position, then whatever comes, until the signal aborts. */
  follow: (after: Position, signal: AbortSignal) => AsyncGenerator<RecordedEvent[]>
  /** The newest event's position, `0-0` while there is none. */
  head: () => Promise<Position>
}

/** A council's log: one total order of events, with the states of its aggregates and its jobs beside it. */
export interface EventLog extends LogReader {
  append: (request: AppendRequest) => Promise<AppendResult>
  /** What a command led to, while its id is remembered; null for one that was never done. */
  findCommand: (principal: string, commandId: Uuid7) => Promise<{ first: Position; last: Position } | null>
  /** The command id that stands for a caller's own key: the same one for the same key, for as long as ids are remembered. */
  commandIdFor: (principal: string, key: string, newId: () => Uuid7) => Promise<Uuid7>
}

/** Why the log stops. Each needs an operator; none is retried. */
export const logStopCodes = [
  'log_replaced',
  'log_lost_its_tail',
  'log_trimmed',
  'archive_of_another_council',
  'log_halted',
  'state_of_newer_program',
  'log_key_of_wrong_type',
  'mac_key_unknown',
  'not_durable',
] as const
export type LogStopCode = (typeof logStopCodes)[number]

export class LogStopped extends CodedError<LogStopCode> {}
