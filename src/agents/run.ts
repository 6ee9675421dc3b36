import type { CommandContext, CommandResult, RejectionCode } from '../commands/gate/types.ts'
import type { CommandGate } from '../commands/gate/gate.ts'
import type { CommandDefinition, ReadSet } from '../commands/decider.ts'
import type { RefusalCode } from '../commands/refusals.ts'
import type { Uuid7 } from '../events/identifiers.ts'
import type { Clock } from '../platform/clock.ts'
import { CodedError } from '../platform/coded-error.ts'
import type { Logger } from '../platform/logger.ts'
import type { ModelClient } from './models/model.ts'
import type { Prices } from './models/prices.ts'
import type { WriteTokens } from './tokens/token-stream.ts'

/** What every agent of a process works with. */
export type AgentDependencies = {
  gate: CommandGate
  model: ModelClient
  prices: Prices
  writeTokens: WriteTokens
  clock: Clock
  newId: () => Uuid7
  pause: (ms: number) => Promise<void>
  /** Upper bound of an answer's length, in tokens. */
  answerMaxTokens: number
  /** How long one attempt may work on an answer. */
  answerTimeoutMs: number
}

/** Why a run is stopped from outside, as the reason of its signal. */
export type StopReason = 'cancelled' | 'superseded' | 'shutdown'

/** A run's signal stays free for these: an attempt that is out of time still has to record its end. */
export type CutReason = StopReason | 'out_of_time'

/** One attempt of a worker at one prompt: made in the WebSocket handler's request id, carried to the model's server. */
export type Run = {
  requestId: Uuid7
  attempt: number
  /** ISO 8601; all timings of the answer count from here. */
  submittedAt: string
  /** The event that caused the run. */
  causationId: string
  traceparent?: string
  /** Aborts with a StopReason. */
  signal: AbortSignal
  /** Aborts when the process ends and waits no longer for what the log does not answer. */
  leaving: AbortSignal
  /** Aborts when the attempt has used up its time: the model call is cut, and the answer ends. */
  deadline: AbortSignal
  logger: Logger
}

const worker = 'service:worker'
const retryPauseMs = 200

/**
 * Executes a command of a run until its outcome is known: while the log cannot be reached the same id is sent again.
 * Only the end of the process ends that early, with the last, indefinite result.
 */
export async function executeUntilKnown<C, Reads extends ReadSet>(
  { gate, newId, pause }: Pick<AgentDependencies, 'gate' | 'newId' | 'pause'>,
  run: Omit<Run, 'attempt' | 'deadline'>,
  definition: CommandDefinition<C, Reads>,
  input: NoInfer<C>,
): Promise<CommandResult> {
  const context: CommandContext = {
    commandId: newId(),
    principal: worker,
    requestId: run.requestId,
    causationId: run.causationId,
    ...(run.traceparent && { traceparent: run.traceparent }),
  }
  for (;;) {
    const result = await gate.execute(definition, input, context)
    const indefinite =
      result.result === 'rejected' && ['outcome_unknown', 'log_unavailable', 'overloaded'].includes(result.code)
    if (!indefinite || run.leaving.aborted) return result
    run.logger.warn({ command: definition.name, code: result.code }, 'the log does not answer; asking again')
    await pause(retryPauseMs)
  }
}

/** Why a run ends without an answer of its own, other than by a refused or rejected command. */
export const runEndedCodes = ['superseded', 'shutdown'] as const
type RunEndedCode = (typeof runEndedCodes)[number] | RefusalCode | RejectionCode

/** The run ends here, without a word of its own, and the job stays for another attempt. */
export class RunEnded extends CodedError<RunEndedCode> {}

/** Throws RunEnded unless the command is in the log. */
export function assertAppended(command: string, result: CommandResult): void {
  if (result.result === 'refused' || result.result === 'rejected')
    throw new RunEnded(result.code, `${command} was ${result.result}: ${result.code}`)
}
