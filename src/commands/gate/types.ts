import type { Position, Principal, StreamName, Uuid7 } from '../../events/identifiers.ts'
import type { Aggregate, CommandDefinition, ReadSet, StreamsOf } from '../decider.ts'
import type { RefusalCode } from '../refusals.ts'

/** The principal of a command and the metadata for its events. */
export type CommandContext = {
  /** The caller generates it once and sends it with every retry: the same id never runs twice. */
  commandId: Uuid7
  /** The authenticated subject. Command ids are unique per principal. */
  principal: Principal
  /** The caller's own key, if the command id was derived from one. */
  idempotencyKey?: string
  /** The token of the lease under which the command is given: it is rejected once another process holds the lease. */
  fence?: number
  requestId?: Uuid7
  correlationId?: string
  causationId?: string
  traceparent?: string
}

/** The place of an appended event. */
export type AppendedEvent = { position: Position; stream: StreamName; revision: number; type: string }

/** The reasons to reject a command, other than a domain rule. */
export const rejectionCodes = [
  'malformed_command',
  'command_id_reused',
  'id_expired',
  'id_ahead',
  'fenced',
  'state_too_large',
  'overloaded',
  'log_nearly_full',
  'log_unavailable',
  'outcome_unknown',
  'log_stopped',
] as const
export type RejectionCode = (typeof rejectionCodes)[number]

export type CommandResult =
  /** Durable. `duplicate`: the same id ran before; the events are the original ones. */
  | { result: 'appended' | 'duplicate'; position: Position | null; events: AppendedEvent[] }
  /** Durable, as a proposal: the action waits for a person. Asking again with the same id gives the same result. */
  | { result: 'approval_required'; approvalId: Uuid7; position: Position; events: AppendedEvent[] }
  /** Refused by a domain rule. The log has confirmed that the states it read were current. */
  | { result: 'refused'; code: RefusalCode; details?: Record<string, string | number> }
  | Rejection

/** Nothing was done, except perhaps with `outcome_unknown`: retry with the same id. */
export type Rejection = { result: 'rejected'; code: RejectionCode; message: string }

/** A command in the gate that has no result yet. */
export type Pending = {
  definition: CommandDefinition<unknown, ReadSet>
  command: unknown
  context: CommandContext
  /** The streams that the command reads, by alias. */
  streams: StreamsOf<ReadSet>
  /** The same streams as one list. */
  reads: readonly { stream: StreamName; aggregate: Aggregate<unknown> }[]
  contentHash: string
  /** Milliseconds of the gate's clock. */
  giveUpAtMs: number
  conflicts: number
  /** An append with this command may have been applied; its answer was lost. */
  mayBeDone: boolean
  settle: (result: CommandResult) => void
  fail: (error: unknown) => void
}
