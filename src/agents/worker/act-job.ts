import { approval, type Proposal } from '../../commands/aggregates/approval.ts'
import { approved } from '../../commands/approval/approved.ts'
import { CloseApproval } from '../../commands/approval/close-approval.ts'
import { ResumePrompt } from '../../commands/chat/resume-prompt.ts'
import type { CommandResult, RejectionCode } from '../../commands/gate/types.ts'
import { publicCommands } from '../../commands/registry.ts'
import { Principal, Uuid7, type StreamName } from '../../events/identifiers.ts'
import { assertAppended, untilKnown, worker } from '../run.ts'
import type { HeldJob, JobRunner, WorkerDependencies } from './held-job.ts'

/** A job of kind `act`: it lets a decision about an approval take effect. It has no attempts. */
export const actJob: JobRunner = {
  run: runJob,
  async newestAttempt(gate, stream) {
    const { state } = await gate.load(approval, stream)
    return approval.unfinishedJob?.(state) === 'act' ? 0 : null
  },
}

/**
 * Lets a decision about an approval take effect, once. A granted action runs in the name of the subject that
 * asked for it, with exactly the approved arguments. If a rule refuses it, the approval is used up all the same.
 */
async function runJob(dependencies: WorkerDependencies, _workerName: string, held: HeldJob): Promise<void> {
  const { job, leaving } = held
  const approvalId = approvalIdOf(job.stream)
  const { state } = await dependencies.gate.load(approval, job.stream)
  if (approval.unfinishedJob?.(state) !== 'act') return dependencies.jobs.drop(job)
  if ('resumes' in state && state.resumes !== null) return resume(dependencies, leaving, state.resumes, approvalId, job)
  if (state.status !== 'granted') return dependencies.jobs.drop(job)
  const logger = dependencies.logger.child({ approvalId, action: state.action })
  const run = { leaving, logger }
  const result = await carryOut(dependencies, run, approvalId, state, job.entry)
  const code = result === 'action_unknown' ? result : codeForGood(result)
  if (code !== null) return close(dependencies, run, approvalId, code, job)
  if (result !== 'action_unknown') assertAppended(state.action, result)
  logger.info('an approved action has run')
}

/** Lets the prompt go on that waited for the decision, whatever it was. */
async function resume(
  dependencies: WorkerDependencies,
  leaving: AbortSignal,
  requestId: Uuid7,
  approvalId: Uuid7,
  job: HeldJob['job'],
): Promise<void> {
  const run = { leaving, logger: dependencies.logger.child({ requestId, approvalId }) }
  const context = { commandId: dependencies.newId(), principal: worker, requestId, causationId: approvalId }
  const result = await untilKnown(dependencies, run, ResumePrompt, { requestId, approvalId, job: job.entry }, context)
  // Another worker was faster.
  if (result.result === 'refused') return dependencies.jobs.drop(job)
  assertAppended('ResumePrompt', result)
  run.logger.info('a prompt that waited for a person goes on')
}

/** Uses up the approval of an action that was refused. */
async function close(
  dependencies: WorkerDependencies,
  run: Parameters<typeof untilKnown>[1],
  approvalId: Uuid7,
  code: string,
  job: HeldJob['job'],
): Promise<void> {
  run.logger.warn({ code }, 'an approved action was refused')
  const closing = { approvalId, code, job: job.entry }
  const context = { commandId: dependencies.newId(), principal: worker }
  const closed = await untilKnown(dependencies, run, CloseApproval, closing, context)
  // Another worker was faster.
  if (closed.result === 'refused') return dependencies.jobs.drop(job)
  assertAppended('CloseApproval', closed)
}

/** Executes the action; `action_unknown` if this program has no such command. */
function carryOut(
  dependencies: WorkerDependencies,
  run: Parameters<typeof untilKnown>[1],
  approvalId: Uuid7,
  { action, exactArguments, requestedBy }: Proposal,
  job: string,
): Promise<CommandResult> | 'action_unknown' {
  const command = publicCommands.get(action)
  if (!command) return 'action_unknown'
  const { definition } = command
  const commandId = dependencies.newId()
  const given = JSON.parse(exactArguments) as Record<string, unknown>
  const input = definition.idField ? { ...given, [definition.idField]: commandId } : given
  return untilKnown(dependencies, run, approved(definition, approvalId, job), input, {
    commandId,
    principal: Principal.parse(requestedBy),
    causationId: approvalId,
  })
}

/** The code of a result that no retry can change; null for any other result. */
function codeForGood(result: CommandResult): string | null {
  if (result.result === 'refused') return result.code
  return result.result === 'rejected' && rejectedForGood.has(result.code) ? result.code : null
}

const rejectedForGood: ReadonlySet<RejectionCode> = new Set(['malformed_command', 'state_too_large'])

const approvalIdOf = (stream: StreamName): Uuid7 => Uuid7.parse(stream.slice(stream.indexOf('/') + 1))
