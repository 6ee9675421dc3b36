import { chat, type OpenChat } from '../../commands/aggregates/chat.ts'
import { StartAttempt } from '../../commands/chat/start-attempt.ts'
import { chatStream } from '../../events/chat.ts'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { justBefore, type Position } from '../../events/identifiers.ts'
import type { Job } from '../../events/log/jobs/job-queue.ts'
import type { EventLog } from '../../events/log/log.ts'
import type { AskedConversation } from '../council/conversation.ts'
import { noProgress, readProgress } from '../council/progress.ts'
import { assertAppended, executeUntilKnown, RunEnded, type Run, type StopReason, type UnstartedRun } from '../run.ts'
import { answerPrompt, giveUp } from './answer.ts'
import type { HeldJob, JobRunner, WorkerDependencies } from './held-job.ts'
import { untilFrozen } from './until-frozen.ts'

/** A job of kind `answer`: it brings its prompt to a terminal event. */
export const answerJob: JobRunner = {
  run: runJob,
  async newestAttempt(gate, stream) {
    const { state } = await gate.load(chat, stream)
    return state.status === 'open' && state.pause === null ? state.attempt : null
  },
}

async function runJob(dependencies: WorkerDependencies, workerName: string, held: HeldJob): Promise<void> {
  const { job, abort } = held
  const prompt = await promptOf(dependencies.log, job)
  const { requestId, submittedAt } = prompt.data
  const run = {
    work: chatStream(requestId),
    requestId,
    causationId: prompt.metadata.eventId,
    asker: prompt.metadata.actor,
    ...(prompt.metadata.traceparent && { traceparent: prompt.metadata.traceparent }),
    signal: abort.signal,
    leaving: held.leaving,
    logger: dependencies.logger.child({ requestId }),
    submittedAt,
  }
  const listening = [
    dependencies.tail.listen(job.stream, ({ type }) => {
      if (type === 'CancellationRequested') abort.abort('cancelled' satisfies StopReason)
    }),
  ]
  const frozen = untilFrozen(dependencies.tail)
  try {
    // The state is loaded after the subscription has begun, so a cancellation is in one of them.
    const { state: before } = await dependencies.gate.load(chat, job.stream)
    if (before.status !== 'open') return await dependencies.jobs.drop(job)
    const started = await startAttempt(dependencies, run, before, workerName)
    if (started === 'finished') return await dependencies.jobs.drop(job)
    await runAttempt(dependencies, held, prompt, before, { run, frozen: frozen.signal }, started)
  } catch (error) {
    if (!(error instanceof RunEnded)) throw error
    run.logger.info({ code: error.code }, 'the run ended; another attempt answers the prompt')
  } finally {
    for (const stopListening of [...listening, frozen.stopListening]) stopListening()
  }
}

/** An attempt that has started, or the last one of a prompt that has no attempts left. */
type StartedAttempt = { number: number; isExhausted: boolean }

async function startAttempt(
  dependencies: WorkerDependencies,
  run: UnstartedRun,
  before: OpenChat,
  worker: string,
): Promise<StartedAttempt | 'finished'> {
  const attempt = before.attempt + 1
  const result = await executeUntilKnown(dependencies, run, StartAttempt, { requestId: run.requestId, attempt, worker })
  if (result.result === 'refused' && (result.code === 'prompt_finished' || result.code === 'prompt_paused'))
    return 'finished'
  if (result.result === 'refused' && result.code === 'attempts_exhausted')
    return { number: before.attempt, isExhausted: true }
  assertAppended('StartAttempt', result)
  return { number: attempt, isExhausted: false }
}

async function runAttempt(
  dependencies: WorkerDependencies,
  held: HeldJob,
  prompt: Prompt,
  before: OpenChat,
  { run: unstarted, frozen }: { run: UnstartedRun; frozen: AbortSignal },
  { number, isExhausted }: StartedAttempt,
): Promise<void> {
  const { abort } = held
  held.attempt = number
  const run: Run = {
    ...unstarted,
    attempt: number,
    deadline: AbortSignal.any([AbortSignal.timeout(dependencies.answerTimeoutMs), frozen]),
    logger: dependencies.logger.child({ requestId: unstarted.requestId, attempt: number }),
  }
  const conversation = conversationOf(prompt)
  const attempt = {
    run,
    question: prompt.data.text,
    promptPosition: prompt.position,
    conversation,
    requestedPath: prompt.data.path ?? null,
    progress:
      before.attempt === 0
        ? noProgress
        : await readProgress(dependencies.log, {
            stream: held.job.stream,
            position: prompt.position,
            requestId: prompt.data.requestId,
          }),
    before,
    job: () => held.job.entry,
    supersede: () => abort.abort('superseded' satisfies StopReason),
  }
  const ended = await (isExhausted ? giveUp(dependencies, attempt) : answerPrompt(dependencies, attempt))
  if (!ended)
    return run.logger.info(
      { reason: abort.signal.reason as StopReason | undefined },
      'the attempt left the prompt to another one',
    )
  const isRecorded = ended.result !== 'refused' && ended.result !== 'rejected'
  run.logger.info({ outcome: ended.result, ...(!isRecorded && { code: ended.code }) }, 'the attempt has ended')
}

/** Null for a prompt that started its own conversation and was given none: it has no earlier turns. */
function conversationOf({
  data: { requestId, conversationId, context },
  metadata: { actor },
  position,
  sequence,
}: Prompt): AskedConversation | null {
  if (context) return { conversationId, given: context }
  return conversationId === requestId ? null : { conversationId, actor, position, sequence }
}

type Prompt = Awaited<ReturnType<typeof promptOf>>

/** The `PromptSubmitted` event of a job; a job that resumes a prompt is about the event that resumed it. */
async function promptOf(log: EventLog, job: Job) {
  const about = await eventAt(log, job.position)
  const prompt = about?.type === 'PromptResumed' ? await eventAt(log, about.data.promptPosition) : about
  if (prompt?.type === 'PromptSubmitted' && prompt.stream === job.stream) return prompt
  throw new Error(
    `job ${job.entry} refers to ${job.position}, which leads to no PromptSubmitted event of ${job.stream}`,
  )
}

async function eventAt(log: EventLog, position: Position): Promise<AnyRecordedEvent | undefined> {
  for await (const [event] of log.read({ after: justBefore(position), upTo: position })) return event
  return undefined
}
