/** One attempt of a worker at one piece of work: its dependencies, its signals, and its commands. */

import type { AppendedEvent, CommandContext, CommandResult, RejectionCode } from '../commands/gate/types.ts'
import type { CommandGate } from '../commands/gate/gate.ts'
import type { CommandDefinition, ReadSet } from '../commands/decider.ts'
import type { RefusalCode } from '../commands/refusals.ts'
import { Principal, type Uuid7 } from '../events/identifiers.ts'
import type { WorkStream } from '../events/model-call.ts'
import type { Clock } from '../platform/clock.ts'
import { CodedError } from '../platform/coded-error.ts'
import type { Logger } from '../platform/logger.ts'
import { logAlerts } from './log-alerts.ts'
import type { Prices } from './models/prices.ts'
import type { WriteTokens } from './tokens/token-stream.ts'

/** The dependencies that all agents of a process share. */
export type AgentDependencies = {
  gate: CommandGate
  prices: Prices
  writeTokens: WriteTokens
  clock: Clock
  newId: () => Uuid7
  pause: (ms: number) => Promise<void>
  /** Upper bound of the length of one model answer, in tokens. */
  answerMaxTokens: number
  /** How long one attempt may work on an answer. */
  answerTimeoutMs: number
}

/** Why a run is stopped from outside; the reason of its signal. */
export type StopReason = 'cancelled' | 'superseded' | 'shutdown'

/** Why an attempt must end at once, and record its ending itself. */
const deadlineReasons = ['out_of_time', 'treasury_frozen'] as const
export type DeadlineReason = (typeof deadlineReasons)[number]
export const isDeadlineReason = (reason: CutReason): reason is DeadlineReason =>
  deadlineReasons.some((deadline) => deadline === reason)

/** Why a model call is cut. */
export type CutReason = StopReason | DeadlineReason

/** One attempt of a worker at one prompt, or at the judging of a bounty. */
export type Run = {
  /** The stream that its model calls are recorded on. */
  work: WorkStream
  /** The id of the work. It goes from the WebSocket handler to the model server. */
  requestId: Uuid7
  attempt: number
  /** ISO 8601. All timings of an answer start here. */
  submittedAt: string
  /** The event that caused the run. */
  causationId: string
  /** Whose work it is, and whose budget pays, if there is one. */
  asker: Principal
  traceparent?: string
  /** Aborts with a StopReason. */
  signal: AbortSignal
  /** Aborts when the process ends and no longer waits for the log. */
  leaving: AbortSignal
  /** Aborts when the attempt has used up its time, or with `treasury_frozen`; the model calls are then cut. */
  deadline: AbortSignal
  logger: Logger
}

/** A run whose attempt has not been recorded yet. */
export type UnstartedRun = Omit<Run, 'attempt' | 'deadline'>

export const worker = Principal.parse('service:worker')
const retryPauseMs = 200

/** Executes a command of a run until its outcome is known. */
export const executeUntilKnown = <C, Reads extends ReadSet>(
  dependencies: Pick<AgentDependencies, 'gate' | 'newId' | 'pause'>,
  run: UnstartedRun,
  definition: CommandDefinition<C, Reads>,
  input: NoInfer<C>,
): Promise<CommandResult> =>
  untilKnown(dependencies, run, definition, input, {
    commandId: dependencies.newId(),
    principal: worker,
    requestId: run.requestId,
    causationId: run.causationId,
    ...(run.traceparent && { traceparent: run.traceparent }),
  })

/**
 * Executes a command until its outcome is known. While the log is unreachable, the command is retried under the same id. Returns an
 * indefinite result only if the process ends first.
 */
export async function untilKnown<C, Reads extends ReadSet>(
  { gate, pause }: Pick<AgentDependencies, 'gate' | 'pause'>,
  { leaving, logger }: Pick<Run, 'leaving' | 'logger'>,
  definition: CommandDefinition<C, Reads>,
  input: NoInfer<C>,
  context: CommandContext,
): Promise<CommandResult> {
  for (;;) {
    const result = await gate.execute(definition, input, context)
    const isIndefinite = result.result === 'rejected' && indefinite.has(result.code)
    if (!isIndefinite || leaving.aborted) {
      logAlerts(logger, result)
      return result
    }
    logger.warn({ command: definition.name, code: result.code }, 'the log does not answer; retrying the command')
    await pause(retryPauseMs)
  }
}

/** After these a command may have been done, or a retry may still do it. */
const indefinite: ReadonlySet<RejectionCode> = new Set(['outcome_unknown', 'log_unavailable', 'overloaded'])

/** Why a run ends without recording anything, other than by a refused or rejected command. */
export const runEndedCodes = ['superseded', 'shutdown'] as const
type RunEndedCode = (typeof runEndedCodes)[number] | RefusalCode | RejectionCode

/** Ends a run that may not record anything. The job stays in the queue for another attempt. */
export class RunEnded extends CodedError<RunEndedCode> {}

/** Returns the events of a command; throws RunEnded unless the log holds them. */
export function assertAppended(command: string, result: CommandResult): readonly AppendedEvent[] {
  if (result.result === 'refused' || result.result === 'rejected')
    throw new RunEnded(result.code, `${command} was ${result.result}: ${result.code}`)
  return result.events
}
