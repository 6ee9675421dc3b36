import { bounty, type Bounty, type SubmittedBounty } from '../../commands/aggregates/bounty.ts'
import { JudgeBounty } from '../../commands/bounty/judge-bounty.ts'
import { StartJudging } from '../../commands/bounty/start-judging.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import { bountyStream, type JudgingFault } from '../../events/bounty.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { RunStopped } from '../council/member-calls.ts'
import { unopenedElection } from '../council/progress.ts'
import { settleLostCalls } from '../model-call.ts'
import { assertAppended, executeUntilKnown, RunEnded, type Run, type UnstartedRun } from '../run.ts'
import { readBounty, readElection, type BountyRecord } from './bounty-record.ts'
import type { HeldJob, JobRunner, WorkerDependencies } from './held-job.ts'
import { untilFrozen } from './until-frozen.ts'

/** A job of kind `judge`: it brings work to a verdict, or to a failure that the clock follows up. */
export const judgeJob: JobRunner = {
  run: runJob,
  async newestAttempt(gate, stream) {
    const { state } = await gate.load(bounty, stream)
    return isDue(state) ? state.judging.attempt : null
  },
}

const isDue = (state: Bounty): state is SubmittedBounty => state.status === 'submitted' && state.judging.next === null

async function runJob(dependencies: WorkerDependencies, workerName: string, held: HeldJob): Promise<void> {
  const { job, abort } = held
  const bountyId = Uuid7.parse(job.stream.slice('bounty/'.length))
  const logger = dependencies.logger.child({ requestId: bountyId })
  const frozen = untilFrozen(dependencies.tail)
  try {
    const { state: before } = await dependencies.gate.load(bounty, job.stream)
    if (!isDue(before)) return await dependencies.jobs.drop(job)
    const record = await readBounty(dependencies.log, bountyId)
    const run: UnstartedRun = {
      work: bountyStream(bountyId),
      requestId: bountyId,
      causationId: record.submission.metadata.eventId,
      submittedAt: record.submission.metadata.occurredAt,
      asker: record.openedBy,
      ...(record.submission.metadata.traceparent && { traceparent: record.submission.metadata.traceparent }),
      signal: abort.signal,
      leaving: held.leaving,
      logger,
    }
    const { attempt, isExhausted } = await startAttempt(dependencies, run, before, workerName)
    held.attempt = attempt
    // No older attempt writes from here on, so the state has every call that is still open.
    const { state: taken } = await dependencies.gate.load(bounty, job.stream)
    if (!isDue(taken)) return await dependencies.jobs.drop(job)
    const logged = { attempt, logger: logger.child({ attempt }) }
    await judge(
      dependencies,
      held,
      { ...run, ...logged, ...deadlineOf(dependencies, frozen.signal) },
      { taken, record, isExhausted },
    )
  } catch (error) {
    if (error instanceof RunStopped)
      logger.info({ reason: error.reason }, 'the attempt left the judging to another one')
    else if (error instanceof RunEnded)
      logger.info({ code: error.code }, 'the run ended; another attempt judges the work')
    else throw error
  } finally {
    frozen.stopListening()
  }
}

const deadlineOf = ({ answerTimeoutMs }: WorkerDependencies, frozen: AbortSignal): Pick<Run, 'deadline'> => ({
  deadline: AbortSignal.any([AbortSignal.timeout(answerTimeoutMs), frozen]),
})

/** An attempt that has started, or the last one of a round that has no attempts left. */
type Started = { attempt: number; isExhausted: boolean }

async function startAttempt(
  dependencies: WorkerDependencies,
  run: UnstartedRun,
  { judging }: SubmittedBounty,
  process: string,
): Promise<Started> {
  const attempt = judging.attempt + 1
  const electionId = dependencies.newId()
  const starting = { bountyId: run.requestId, attempt, process, electionId }
  const result = await executeUntilKnown(dependencies, run, StartJudging, starting)
  if (result.result === 'refused' && result.code === 'attempts_exhausted')
    return { attempt: judging.attempt, isExhausted: true }
  assertAppended('StartJudging', result)
  return { attempt, isExhausted: false }
}

/** Takes over from a dead worker, asks the members that have not voted, and records the result. */
async function judge(
  dependencies: WorkerDependencies,
  held: HeldJob,
  run: Run,
  { taken, record, isExhausted }: { taken: SubmittedBounty; record: BountyRecord; isExhausted: boolean },
): Promise<void> {
  const { worker, judging } = taken
  const { electionId, openCalls, attemptsInRound } = judging
  if (electionId === null) throw new Error(`the judging of ${run.work} has started without an election`)
  if (openCalls.length > 0) run.logger.info({ openCalls: openCalls.length }, 'taking over the judging')
  await settleLostCalls(dependencies, run, openCalls)
  const progress = attemptsInRound === 1 ? unopenedElection : await readElection(dependencies.log, electionId)
  const round = { electionId, work: record.work, worker, progress }
  const hindrance = isExhausted ? 'crashed' : await dependencies.judgeWork(run, round)
  const ended = await recordResult(dependencies, held, run, { electionId, worker, hindrance })
  assertAppended('JudgeBounty', ended)
  run.logger.info({ outcome: ended.result, ...(hindrance && { hindrance }) }, 'the round of judging has ended')
}

const recordResult = (
  dependencies: WorkerDependencies,
  { job }: HeldJob,
  run: Run,
  {
    electionId,
    worker,
    hindrance,
  }: Pick<SubmittedBounty, 'worker'> & { electionId: Uuid7; hindrance: JudgingFault | null },
): Promise<CommandResult> =>
  executeUntilKnown(dependencies, run, JudgeBounty, {
    bountyId: run.requestId,
    attempt: run.attempt,
    worker,
    electionId,
    ...(hindrance && { hindrance }),
    job: job.entry,
  })
