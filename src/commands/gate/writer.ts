import { LogStopped } from '../../events/log/log.ts'
import { createFlights } from './in-flight.ts'
import { createPace } from './backoff.ts'
import { takeBatch } from './queue.ts'
import type { Pending } from './types.ts'
import { decideNow, giveUp, settle, type Flight, type WriteDependencies } from './append-batch.ts'

const retryPauseMs = 50
/** Whoever has won goes on meanwhile. */
const pauseAfterConflictMs = 2

export type WriterDependencies = WriteDependencies & {
  pause: (ms: number) => Promise<void>
  /** So many waiting commands are sent behind an append that is in flight; fewer wait until it has landed. 32 by default. */
  worthAnAppend?: number | undefined
}

export type CommandWriter = {
  write: (pending: Pending) => void
  /** How many wait that no append has taken yet. */
  waiting: () => number
  /** Why nothing may be written any more; null while everything is well. */
  stoppedBy: () => LogStopped | null
}

/**
 * Group commit: what comes while an append is in flight waits for the next one. Where enough waits, that one is sent at once,
 * decided on what the one before it leads to.
 */
export function createWriter(dependencies: WriterDependencies): CommandWriter {
  const queue: Pending[] = []
  const pace = createPace(dependencies.worthAnAppend)
  const flights = createFlights(dependencies, queue, pace)
  let isDraining = false
  let stopped: LogStopped | null = null

  async function drain(): Promise<void> {
    isDraining = true
    while (queue.length > 0) {
      await writeFrom(takeBatch(queue, pace.first(queue.length)))
      // Whoever was answered just now may ask again in this very turn, and belongs into the next append.
      await turnEnd()
    }
    isDraining = false
  }

  /** Writes a batch, and behind it what comes meanwhile; what is left over when all of that has landed returns to the queue, in order. */
  async function writeFrom(batch: readonly Pending[]): Promise<void> {
    const again: Pending[] = []
    let isUnanswered = false
    /** Does a step for a batch. Where the log fails, all of the batch is left over. */
    const attempt = async (step: () => Promise<readonly Pending[]>, commands: readonly Pending[]): Promise<void> => {
      try {
        again.push(...(await step()))
      } catch (error) {
        if (error instanceof LogStopped) stop(error)
        else isUnanswered = true
        again.push(...(error instanceof LogStopped ? commands : unanswered(dependencies, error, commands)))
      }
    }

    await attempt(async () => {
      flights.takeOff(await decideNow(dependencies, batch))
      return []
    }, batch)
    for (let flight = flights.oldest(); flight; flight = flights.oldest()) {
      const landing = flight
      await attempt(() => land(landing), landing.batch)
      flights.landed()
      // Then others were decided on what has not come about: they land, and nothing follows them.
      if (again.length > 0) pace.endRow()
      flights.followSoon()
    }
    queue.unshift(...again)
    if (stopped) rejectAll(stopped)
    else if (isUnanswered) await dependencies.pause(retryPauseMs)
    else if (pace.hasLost()) await dependencies.pause(pauseAfterConflictMs)
  }

  async function land(flight: Flight): Promise<readonly Pending[]> {
    const outcome = await flight.answer
    pace.landed(outcome)
    return settle(dependencies, flight, outcome)
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
      if (isDraining) flights.followSoon()
      else void drain()
    },
    waiting: () => queue.length,
    stoppedBy: () => stopped,
  }
}

const turnEnd = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** The connection failed. Returns whom to send again: the ids of commands tell whether an append that nobody heard of was applied. */
function unanswered({ logger, cache, clock }: WriterDependencies, error: unknown, batch: readonly Pending[]): Pending[] {
  logger.warn({ err: error, commands: batch.length }, 'the log could not be written; trying again')
  for (const { streams } of batch) cache.forget(Object.values(streams).filter((stream) => stream !== null))
  const nowMs = clock.nowMs()
  return batch.filter((pending) => {
    if (pending.giveUpAtMs > nowMs) return true
    giveUp(pending, 'log_unavailable', 'the log cannot be reached')
    return false
  })
}
