import type { Position, StreamName, Uuid7 } from '../../events/identifiers.ts'
import type { Aggregate, CommandDefinition, ReadSet, StreamsOf } from '../decider.ts'
import type { RefusalCode } from '../refusals.ts'

/** On whose behalf a command runs, and what its events carry along. */
export type CommandContext = {
  /** Made once by whoever wants the command done, and sent again with every retry: the same id never runs twice. */
  commandId: Uuid7
  /** The subject whose command this is; ids are remembered per principal. */
  principal: string
  /** The caller's own key, which the command id stands for. */
  idempotencyKey?: string
  requestId?: Uuid7
  correlationId?: string
  causationId?: string
  traceparent?: string
}

/** Where an event of a command went. */
export type AppendedEvent = { position: Position; stream: StreamName; revision: number; type: string }

/** Why a command was not taken, other than by a rule of the domain. */
export const rejectionCodes = [
  'malformed_command',
  'command_id_reused',
  'id_expired',
  'id_ahead',
  'state_too_large',
  'overloaded',
  'log_nearly_full',
  'log_unavailable',
  'outcome_unknown',
  'log_stopped',
] as const
export type RejectionCode = (typeof rejectionCodes)[number]

export type CommandResult =
  /** Durable. `duplicate`: it was done before, under the same id; these are the events of then. */
  | { result: 'appended' | 'duplicate'; position: Position | null; events: AppendedEvent[] }
  /** By a rule. The log has confirmed that nothing the rule looked at had changed. */
  | { result: 'refused'; code: RefusalCode; details?: Record<string, string | number> }
  | Rejection

/** Nothing was done, except for `outcome_unknown`: then ask again with the same id. */
export type Rejection = { result: 'rejected'; code: RejectionCode; message: string }

/** A command that waits in the gate. */
export type Pending = {
  definition: CommandDefinition<unknown, ReadSet>
  command: unknown
  context: CommandContext
  /** The streams that the command reads, by alias. */
  streams: StreamsOf<ReadSet>
  /** The same streams as one list. */
  reads: readonly { stream: StreamName; aggregate: Aggregate<unknown> }[]
  contentHash: string
  /** Of the gate's clock, ms. */
  giveUpAtMs: number
  conflicts: number
  /** An append that carried it may have been applied, as far as this gate knows. */
  mayBeDone: boolean
  settle: (result: CommandResult) => void
  fail: (error: unknown) => void
}
