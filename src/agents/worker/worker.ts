/** The worker: takes jobs from the queue, runs them by kind, and renews their leases. */

import type { JobKind } from '../../commands/decider.ts'
import type { StreamName } from '../../events/identifiers.ts'
import type { Job } from '../../events/log/jobs/job-queue.ts'
import type { StopReason } from '../run.ts'
import { actJob } from './act-job.ts'
import { answerJob } from './answer-job.ts'
import type { HeldJob, JobRunner, WorkerDependencies } from './held-job.ts'
import { judgeJob } from './judge-job.ts'

export type WorkerSettings = {
  /** Identifies the worker in `AttemptStarted`. */
  name: string
  /** Jobs that run at the same time. */
  concurrency: number
  /** Another worker takes over a job whose lease was not renewed for this long. */
  leaseMs: number
}

/** A consumer of the job queue. */
export type Worker = {
  /** Takes no more jobs, stops the running ones, settles their model calls and returns them to the queue. */
  stop: () => Promise<void>
  /** Rejects when the worker cannot continue. */
  done: Promise<void>
}

/** One runner for each kind of job. */
const jobRunners: Readonly<Record<JobKind, JobRunner>> = { answer: answerJob, judge: judgeJob, act: actJob }

/** A newer version of the council may have queued a kind that this version does not know. */
const isJobKind = (kind: string): kind is JobKind => Object.hasOwn(jobRunners, kind)

/** How long `stop` waits for running jobs to settle their model calls. */
const settleWithinMs = 2_500

/** Runs jobs until it is stopped: new ones, and those whose worker has died. */
export function startWorker(dependencies: WorkerDependencies, { name, concurrency, leaseMs }: WorkerSettings): Worker {
  const { jobs, logger, pause } = dependencies
  // A stream has one running job, however often the queue delivers it.
  const running = new Map<StreamName, HeldJob & { finished: Promise<void> }>()
  const unknown = new Set<string>()
  const leaving = new AbortController()
  let isStopping = false

  function start(job: Job): void {
    const { kind } = job
    if (!isJobKind(kind)) return leaveUnknown(job)
    const current = running.get(job.stream)
    // The queue was damaged and the job made again. The attempt continues under the newer entry.
    if (current) return void (current.job = job)
    const runner = jobRunners[kind]
    const held: HeldJob = { job, runner, attempt: null, abort: new AbortController(), leaving: leaving.signal }
    const finished = runner
      .run(dependencies, name, held)
      .catch((error: unknown) =>
        logger.error({ err: error, stream: job.stream }, 'a job failed; its lease will expire'),
      )
      .finally(() => running.delete(job.stream))
    running.set(job.stream, Object.assign(held, { finished }))
  }

  /** Leaves the job in the queue: its lease expires, and a worker that knows the kind can take it. */
  function leaveUnknown({ entry, kind, stream }: Job): void {
    if (unknown.has(entry)) return
    unknown.add(entry)
    logger.error({ entry, kind, stream }, 'a job has an unknown kind; it stays in the queue for a newer worker')
  }

  // A job that the queue delivers while the worker stops goes back at once.
  const startOrGiveBack = async (job: Job): Promise<void> => (isStopping ? jobs.giveBack(job) : start(job))

  async function consume(): Promise<void> {
    while (!isStopping) {
      const free = concurrency - running.size
      if (free <= 0) {
        await Promise.race([...running.values()].map(({ finished }) => finished))
        continue
      }
      try {
        const abandoned = await jobs.takeAbandoned(free)
        for (const job of abandoned) await startOrGiveBack(job)
        if (abandoned.length < free)
          for (const job of await jobs.takeNew(free - abandoned.length)) await startOrGiveBack(job)
      } catch (error) {
        if (isStopping) return
        logger.warn({ err: error }, 'cannot take jobs; trying again')
        await pause(500)
      }
    }
  }

  const renewal = setInterval(() => {
    for (const held of running.values())
      renewLease(dependencies, held).catch((error: unknown) =>
        logger.warn({ err: error, stream: held.job.stream }, 'cannot renew a lease'),
      )
  }, leaseMs / 4)

  return {
    done: consume(),
    async stop() {
      isStopping = true
      const remaining = [...running.values()]
      for (const { abort } of remaining) abort.abort('shutdown' satisfies StopReason)
      const timeout = AbortSignal.timeout(settleWithinMs)
      await Promise.race([
        Promise.all(remaining.map(({ finished }) => finished)),
        new Promise((resolve) => timeout.addEventListener('abort', resolve)),
      ])
      leaving.abort()
      clearInterval(renewal)
      await Promise.all(remaining.map(({ job }) => jobs.giveBack(job).catch(() => undefined)))
      jobs.close()
    },
  }
}

/** Renews the lease on a running job, or stops the run when another worker has the job. Damage to the queue alone never stops a run. */
async function renewLease({ jobs, gate, logger }: WorkerDependencies, held: HeldJob): Promise<void> {
  const { job, runner, abort } = held
  const lease = await jobs.renew(job)
  if (lease === 'held' || held.job !== job || abort.signal.aborted) return
  if (lease === 'taken') return abort.abort('superseded' satisfies StopReason)
  const newest = await runner.newestAttempt(gate, job.stream)
  // The event that ends the work removes its job. Either another attempt recorded it, or this one did a moment ago; then the abort has no
  // effect.
  if (newest === null || (held.attempt !== null && newest > held.attempt))
    return abort.abort('superseded' satisfies StopReason)
  const remade = await jobs.remake(job)
  if (remade) held.job = remade
  logger.warn(
    { stream: job.stream, entry: job.entry, remadeAs: remade?.entry },
    'a running job was deleted from the work stream; it was made again',
  )
}
