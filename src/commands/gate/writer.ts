import { LogStopped } from '../../events/log/log.ts'
import { decideFresh, giveUp, settleBatch, type AppendInFlight, type WriteDependencies } from './append-batch.ts'
import { createBackoff } from './backoff.ts'
import { createInFlight } from './in-flight.ts'
import { takeBatch } from './queue.ts'
import type { Pending } from './types.ts'

const retryPauseMs = 50
/** The gate that won the conflict writes on during this pause. */
const pauseAfterConflictMs = 2

export type WriterDependencies = WriteDependencies & {
  pause: (ms: number) => Promise<void>
  /** The gate sends a second append while one is in flight once this many commands wait; 32 by default. */
  minPipelined?: number | undefined
}

export type CommandWriter = {
  write: (pending: Pending) => void
  /** Commands that no append has taken yet. */
  waiting: () => number
  /** Why the writer stopped for good; null while it runs. */
  stoppedBy: () => LogStopped | null
}

/**
 * Group commit: commands that arrive while an append is in flight wait for the next one. Once enough commands wait, the writer
 * sends the next append at once, decided on the states that the one in flight will lead to.
 */
export function createWriter(dependencies: WriterDependencies): CommandWriter {
  const queue: Pending[] = []
  const backoff = createBackoff(dependencies.minPipelined)
  const inFlight = createInFlight(dependencies, queue, backoff)
  let isDraining = false
  let stopped: LogStopped | null = null

  async function drain(): Promise<void> {
    isDraining = true
    while (queue.length > 0) {
      await writeRun(takeBatch(queue, backoff.firstSize(queue.length)))
      // A caller that was just answered may send its next command in this same turn; that command belongs in the next append.
      await turnEnd()
    }
    isDraining = false
  }

  /** Writes a batch, and the batches pipelined after it. Commands that must be decided again return to the queue, in order. */
  async function writeRun(batch: readonly Pending[]): Promise<void> {
    const again: Pending[] = []
    let isUnanswered = false
    /** Runs one step for a batch. If the log fails, the whole batch must be decided again. */
    const tryStep = async (step: () => Promise<readonly Pending[]>, commands: readonly Pending[]): Promise<void> => {
      try {
        again.push(...(await step()))
      } catch (error) {
        if (error instanceof LogStopped) stop(error)
        else isUnanswered = true
        again.push(...(error instanceof LogStopped ? commands : unanswered(dependencies, error, commands)))
      }
    }

    await tryStep(async () => {
      inFlight.send(await decideFresh(dependencies, batch))
      return []
    }, batch)
    for (let oldest = inFlight.oldest(); oldest; oldest = inFlight.oldest()) {
      const append = oldest
      await tryStep(() => settle(append), append.batch)
      inFlight.removeOldest()
      // The appends still in flight were decided on states that will not exist: they fail, and nothing is sent after them.
      if (again.length > 0) backoff.endRun()
      inFlight.scheduleNext()
    }
    queue.unshift(...again)
    if (stopped) rejectAll(stopped)
    else if (isUnanswered) await dependencies.pause(retryPauseMs)
    else if (backoff.lostLast()) await dependencies.pause(pauseAfterConflictMs)
  }

  async function settle(append: AppendInFlight): Promise<readonly Pending[]> {
    const outcome = await append.answer
    backoff.answered(outcome)
    return settleBatch(dependencies, append, outcome)
  }

  function stop(error: LogStopped): void {
    stopped = error
    dependencies.logger.fatal({ code: error.code }, error.message)
  }

  function rejectAll({ message }: LogStopped): void {
    for (const pending of queue.splice(0)) giveUp(pending, 'log_stopped', message)
  }

  return {
    write(pending) {
      queue.push(pending)
      if (isDraining) inFlight.scheduleNext()
      else void drain()
    },
    waiting: () => queue.length,
    stoppedBy: () => stopped,
  }
}

const turnEnd = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/**
 * Handles an append whose answer was lost with the connection. Returns the commands to send again: their ids tell the log whether
 * the lost append was applied.
 */
function unanswered(
  { logger, cache, clock }: WriterDependencies,
  error: unknown,
  batch: readonly Pending[],
): Pending[] {
  logger.warn({ err: error, commands: batch.length }, 'the log could not be written; trying again')
  for (const { reads } of batch) cache.forget(reads.map(({ stream }) => stream))
  const nowMs = clock.nowMs()
  return batch.filter((pending) => {
    if (pending.giveUpAtMs > nowMs) return true
    giveUp(pending, 'log_unavailable', 'the log cannot be reached')
    return false
  })
}
