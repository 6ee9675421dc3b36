import type { Job, JobQueue } from '../../events/log/jobs/job-queue.ts'
import type { EventLog } from '../../events/log/log.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import type { Logger } from '../../platform/logger.ts'
import type { AnswerDependencies } from './answer.ts'

export type WorkerDependencies = AnswerDependencies & { log: EventLog; tail: LogTail; jobs: JobQueue; logger: Logger }

/** A job that this process has leased and runs. */
export type HeldJob = {
  /** Replaced when its entry on the work stream was deleted and made again. */
  job: Job
  /** The attempt of this run; null until it has started. */
  attempt: number | null
  /** Stops the run, with a StopReason. */
  abort: AbortController
  /** Aborts when the process no longer waits for the run. */
  leaving: AbortSignal
}
