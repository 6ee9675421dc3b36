import { CodedError } from '../../platform/coded-error.ts'
import type { AnyRecordedEvent } from '../catalogue.ts'
import type { Position, Principal, StreamName, Uuid7 } from '../identifiers.ts'

/**
 * A command of an append. The append looks its id up first. A command with events is remembered with a hash of its content and the
 * positions of its events; a refused command has none.
 */
export type AppendedCommand = {
  principal: Principal
  commandId: Uuid7
  contentHash: string
  events: number
  /** The token of the lease under which the command was given: the append writes nothing once another process holds the lease. */
  fence?: number
}

/**
 * An aggregate that a decision read, written or not, and the revision that it read (0: no event yet; `any`: append-only). A decision
 * on an in-flight append also expects its `state`, because another writer could append the same number of events instead.
 */
export type ExpectedRevision = { stream: StreamName } & (
  { revision: 'any'; state?: never } | { revision: number; state?: FoldedState }
)

/** Data and metadata are JSON texts, stored byte for byte. */
export type NewEvent = { stream: StreamName; type: string; version: number; data: string; metadata: string }

/**
 * The folded state of an aggregate after its newest event, as JSON, and its state version. Null: the stream is finished (its name
 * ends in a UUIDv7); only its revision is kept, while its id could be used again.
 */
export type FoldedState = { stateVersion: number; state: string | null }
/** `deadlineMs`: when the clock must next act on the stream, in epoch ms; null: never. */
export type NewState = { stream: StreamName; deadlineMs: number | null } & FoldedState

/** A job about the first event of a command; `command` is the command's index in the request. */
export type NewJob = { kind: string; stream: StreamName; command: number }

export type AppendRequest = {
  commands: readonly AppendedCommand[]
  /** Every aggregate that was read, including each one that is written. */
  reads: readonly ExpectedRevision[]
  /** In the order of the commands. */
  events: readonly NewEvent[]
  states: readonly NewState[]
  jobs: readonly NewJob[]
  finishedJobs: readonly string[]
}

/** `absent`: never written, or finished so long ago that its id cannot be used again. */
export type StoredState = { stream: StreamName; revision: number } & (
  { status: 'absent' } | { status: 'live'; stateVersion: number; state: string } | { status: 'finished' }
)
export type KnownCommand = { index: number; contentHash: string; first: Position; last: Position }

/** The expected outcomes of an append. All but `appended` wrote nothing. */
export type AppendResult =
  | {
      result: 'appended'
      firstSequence: number
      /** One for each event. */
      positions: Position[]
      /** The revisions, before this append, of the streams that were read with `any`. */
      anyRevisions: ReadonlyMap<StreamName, number>
    }
  | { result: 'duplicate'; known: KnownCommand[] }
  | { result: 'conflict'; current: StoredState[] }
  | { result: 'stale_ids'; expired: number[]; ahead: number[] }
  /** Commands under a lease that another process has taken over. */
  | { result: 'fenced'; commands: number[] }

export type ReadOptions = {
  /** Exclusive; from the beginning by default. */
  after?: Position
  /** Inclusive; to the current end by default. */
  upTo?: Position
  streams?: readonly StreamName[]
  types?: readonly string[]
  /** The most events to return. */
  limit?: number
  /** `backward`: the newest first. */
  direction?: 'forward' | 'backward'
}

/** When the clock must next act on a stream, in epoch ms. */
export type Deadline = { stream: StreamName; atMs: number }
/** `after`: the last one of the page before. */
export type DeadlinePage = { after?: Deadline; limit: number }

/** The deadline of a stream's state at a revision; `revision` 0: no state of it is stored. */
export type DeadlineAtRevision = { stream: StreamName; revision: number; deadlineMs: number | null }

/** `token`: the one that the holder has, to renew its lease; null to take it. `lengthMs` 0 gives it up. */
export type LeaseRequest = { holder: string; token: number | null; lengthMs: number }
/** `by`: the name of the process that holds the lease, for `leftMs` more unless it renews; empty if none does. */
export type LeaseAnswer = { held: true; token: number } | { held: false; by: string; leftMs: number }

/** Read access to a council's log. */
export interface LogReader {
  /** The current states, in the order of `streams`. */
  loadStates: (streams: readonly StreamName[]) => Promise<StoredState[]>
  /** The deadlines of the current states, the earliest first. */
  deadlines: (page: DeadlinePage) => Promise<Deadline[]>
  /** Events in order, page by page. Throws UnreadableEvent at the first entry that is not an event. */
  read: (options?: ReadOptions) => AsyncGenerator<AnyRecordedEvent[]>
  /** All events after a position, then new ones as they are appended, until the signal aborts. */
  follow: (after: Position, signal: AbortSignal) => AsyncGenerator<AnyRecordedEvent[]>
  /** The newest event's position, `0-0` while there is none. */
  head: () => Promise<Position>
}

/** A council's log: one total order of events, with the states of its aggregates and its jobs. */
export interface EventLog extends LogReader {
  append: (request: AppendRequest) => Promise<AppendResult>
  /**
   * Takes, renews or gives up the lease of the scheduler, by the log's clock. Each acquisition has a higher token than all before it,
   * and fences the commands of every earlier one.
   */
  holdLease: (request: LeaseRequest) => Promise<LeaseAnswer>
  /** Corrects the index of deadlines for a stream, if the stream is still at this revision. */
  correctDeadline: (deadline: DeadlineAtRevision) => Promise<void>
  /** The first and last event of a command while its id is remembered; null for an unknown command. */
  findCommand: (principal: Principal, commandId: Uuid7) => Promise<{ first: Position; last: Position } | null>
  /** The command id of a caller's idempotency key: the same key gives the same id while ids are remembered. */
  commandIdFor: (principal: Principal, key: string, newId: () => Uuid7) => Promise<Uuid7>
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
