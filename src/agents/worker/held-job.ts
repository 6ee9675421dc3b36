import type { Job, JobQueue } from '../../events/log/jobs/job-queue.ts'
import type { EventLog } from '../../events/log/log.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import type { Logger } from '../../platform/logger.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import type { StreamName } from '../../events/identifiers.ts'
import type { JudgeWork } from '../council/judge-work.ts'
import type { AnswerDependencies } from './answer.ts'

export type WorkerDependencies = AnswerDependencies & {
  judgeWork: JudgeWork
  log: EventLog
  tail: Pick<LogTail, 'listen'>
  jobs: JobQueue
  logger: Logger
}

/** How the jobs of a kind are run. */
export type JobRunner = {
  /** Brings the work to its end, or leaves it to another attempt. */
  run: (dependencies: WorkerDependencies, workerName: string, held: HeldJob) => Promise<void>
  /** The newest attempt at the work of a stream; null: the work needs no job any more. */
  newestAttempt: (gate: CommandGate, stream: StreamName) => Promise<number | null>
}

/** A job that this process has leased and runs. */
export type HeldJob = {
  /** Replaced when its entry on the work stream was deleted and made again. */
  job: Job
  runner: JobRunner
  /** The attempt of this run; null until it has started. */
  attempt: number | null
  /** Stops the run, with a StopReason. */
  abort: AbortController
  /** Aborts when the process no longer waits for the run. */
  leaving: AbortSignal
}
