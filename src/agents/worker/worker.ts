import { chat } from '../../commands/aggregates/chat.ts'
import type { JobKind } from '../../commands/decider.ts'
import { StartAttempt } from '../../commands/chat/start-attempt.ts'
import { chatEvents, type SensedConversation } from '../../events/chat.ts'
import { justBefore, type StreamName } from '../../events/identifiers.ts'
import type { Job, JobQueue } from '../../events/log/jobs/job-queue.ts'
import type { EventLog } from '../../events/log/log.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import type { Logger } from '../../platform/logger.ts'
import type { PromptInConversation } from '../../projections/chats.ts'
import { answerPrompt, giveUp, type AnswerDependencies } from './answer.ts'
import { executeUntilKnown, assertAppended, RunEnded, type Run, type StopReason } from '../run.ts'

export type WorkerDependencies = AnswerDependencies & { log: EventLog; tail: LogTail; jobs: JobQueue; logger: Logger }

export type WorkerSettings = {
  /** Names the worker in `AttemptStarted`. */
  name: string
  /** Answers worked on at once. */
  concurrency: number
  /** A job whose worker has not renewed its claim for so long is taken over. */
  leaseMs: number
}

export type Worker = {
  /** Takes no more jobs, stops the running ones, pays for what they used and gives them back. */
  stop: () => Promise<void>
  /** Rejects when the worker cannot go on. */
  done: Promise<void>
}

/** A job that this process runs. Its stream is started once, however often the queue hands it out. */
type RunningJob = {
  /** Changes when its entry on the work stream was deleted and made again. */
  job: Job
  /** The attempt that speaks for it, from its start on. */
  attempt: number | null
  abort: AbortController
  /** Aborts when an orderly stop no longer waits for it. */
  leaving: AbortSignal
}

/** How long an orderly stop waits for running answers to be paid for. */
const settleWithinMs = 2_500

/** Consumes jobs until it is stopped: new ones, and those of workers that died. */
export function startWorker(dependencies: WorkerDependencies, { name, concurrency, leaseMs }: WorkerSettings): Worker {
  const { jobs, logger, pause } = dependencies
  const running = new Map<StreamName, RunningJob & { finished: Promise<void> }>()
  const leaving = new AbortController()
  let stopping = false

  const start = (job: Job): void => {
    const known = running.get(job.stream)
    // The queue was damaged: the newer entry is the one to hold, and the attempt goes on.
    if (known) return void (known.job = job)
    const one: RunningJob = { job, attempt: null, abort: new AbortController(), leaving: leaving.signal }
    const finished = runJob(dependencies, name, one)
      .catch((error: unknown) =>
        logger.error({ err: error, stream: job.stream }, 'an answer was left to another attempt'),
      )
      .finally(() => running.delete(job.stream))
    running.set(job.stream, Object.assign(one, { finished }))
  }

  // What was handed out while it stopped is given back.
  const startOrGiveBack = async (job: Job): Promise<void> => (stopping ? jobs.giveBack(job) : start(job))

  async function consume(): Promise<void> {
    while (!stopping) {
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
        if (stopping) return
        logger.warn({ err: error }, 'no jobs can be taken; trying again')
        await pause(500)
      }
    }
  }

  const renewing = setInterval(() => {
    for (const one of running.values())
      renew(dependencies, one).catch((error: unknown) =>
        logger.warn({ err: error, stream: one.job.stream }, 'a claim could not be renewed'),
      )
  }, leaseMs / 4)

  return {
    done: consume(),
    async stop() {
      stopping = true
      const left = [...running.values()]
      for (const { abort } of left) abort.abort('shutdown' satisfies StopReason)
      const patience = AbortSignal.timeout(settleWithinMs)
      await Promise.race([
        Promise.all(left.map(({ finished }) => finished)),
        new Promise((resolve) => patience.addEventListener('abort', resolve)),
      ])
      leaving.abort()
      clearInterval(renewing)
      await Promise.all(left.map(({ job }) => jobs.giveBack(job).catch(() => undefined)))
      jobs.close()
    },
  }
}

/** Keeps the claim on a running job, or ends the run where another worker has it. Nothing that happens to the queue alone ends it. */
async function renew({ jobs, gate, logger }: WorkerDependencies, one: RunningJob): Promise<void> {
  const { job, abort } = one
  const claim = await jobs.renew(job)
  if (claim === 'held' || one.job !== job || abort.signal.aborted) return
  if (claim === 'taken') return abort.abort('superseded' satisfies StopReason)
  const { state } = await gate.load(chat, job.stream)
  // Its end removes a job: another attempt has recorded it, or this one just now, which an abort no longer touches.
  if (state.status !== 'open' || (one.attempt !== null && state.attempt > one.attempt))
    return abort.abort('superseded' satisfies StopReason)
  const remade = await jobs.remake(job)
  if (remade) one.job = remade
  logger.warn(
    { stream: job.stream, entry: job.entry, remadeAs: remade?.entry },
    'the job of a running answer was deleted from the work stream; it was made again',
  )
}

/** One handler for each kind of job. */
const handlers: Record<JobKind, typeof runJob> = { answer: answerJob }

async function runJob(dependencies: WorkerDependencies, name: string, one: RunningJob): Promise<void> {
  const { kind } = one.job
  if (!isJobKind(kind)) throw new Error(`the job ${one.job.entry} has the unknown kind ${kind}`)
  return handlers[kind](dependencies, name, one)
}

const isJobKind = (kind: string): kind is JobKind => Object.hasOwn(handlers, kind)

/** Runs a job from its start to the terminal event, or until another attempt takes over. */
async function answerJob(dependencies: WorkerDependencies, name: string, one: RunningJob): Promise<void> {
  const { job, abort } = one
  const prompt = await promptOf(dependencies.log, job)
  const { requestId, text: question, submittedAt } = prompt.data
  const logger = dependencies.logger.child({ requestId })
  const base = {
    requestId,
    causationId: prompt.metadata.eventId,
    ...(prompt.metadata.traceparent && { traceparent: prompt.metadata.traceparent }),
    signal: abort.signal,
    leaving: one.leaving,
    logger,
    submittedAt,
  }

  const stopListening = dependencies.tail.listen(job.stream, ({ type }) => {
    if (type === 'CancellationRequested') abort.abort('cancelled' satisfies StopReason)
  })
  try {
    // Loaded after listening began: a cancellation is either in this state or heard.
    const { state: before } = await dependencies.gate.load(chat, job.stream)
    if (before.status !== 'open') return await dependencies.jobs.drop(job)
    const next = before.attempt + 1
    const started = await executeUntilKnown(dependencies, base, StartAttempt, {
      requestId,
      attempt: next,
      worker: name,
    })
    if (started.result === 'refused' && started.code === 'prompt_finished') return await dependencies.jobs.drop(job)
    const exhausted = started.result === 'refused' && started.code === 'attempts_exhausted'
    if (!exhausted) assertAppended('StartAttempt', started)

    const number = exhausted ? before.attempt : next
    one.attempt = number
    const run: Run = {
      ...base,
      attempt: number,
      deadline: AbortSignal.timeout(dependencies.answerTimeoutMs),
      logger: dependencies.logger.child({ requestId, attempt: number }),
    }
    const conversation = conversationOf(prompt)
    const sensed = conversation && before.path ? await sensedBefore(dependencies.log, one.job) : null
    const attempt = {
      run,
      question,
      conversation,
      sensed,
      before,
      job: () => one.job.entry,
      supersede: () => abort.abort('superseded' satisfies StopReason),
    }
    const ended = await (exhausted ? giveUp(dependencies, attempt) : answerPrompt(dependencies, attempt))
    if (!ended)
      run.logger.info(
        { reason: abort.signal.reason as StopReason | undefined },
        'the prompt was left to another attempt',
      )
    else
      run.logger.info(
        ended.result === 'refused' || ended.result === 'rejected'
          ? { outcome: ended.result, code: ended.code }
          : { outcome: ended.result },
        'the attempt has ended',
      )
  } catch (error) {
    if (error instanceof RunEnded) logger.info({ code: error.code }, 'the run ended: another attempt speaks')
    else throw error
  } finally {
    stopListening()
  }
}

/** Null for a prompt that began a conversation of its own: nothing can have come before it. */
function conversationOf({
  data: { requestId, conversationId },
  metadata: { actor },
  position,
  sequence,
}: Prompt): PromptInConversation | null {
  return conversationId === requestId ? null : { conversationId, actor, position, sequence }
}

/** What an earlier attempt showed its model of the conversation; null for one of a program that did not yet. */
async function sensedBefore(log: EventLog, job: Job): Promise<SensedConversation | null> {
  for await (const [event] of log.read({
    after: job.position,
    streams: [job.stream],
    types: ['ContextSensed'],
    limit: 1,
  }))
    if (event) return chatEvents.ContextSensed.data.parse(event.data).conversation
  return null
}

type Prompt = Awaited<ReturnType<typeof promptOf>>

/** The event that a job is about. */
async function promptOf(log: EventLog, job: Job) {
  for await (const [event] of log.read({ after: justBefore(job.position), upTo: job.position })) {
    if (event?.type === 'PromptSubmitted') return { ...event, data: chatEvents.PromptSubmitted.data.parse(event.data) }
  }
  throw new Error(`the job ${job.entry} is about ${job.position}, which is not a prompt`)
}
