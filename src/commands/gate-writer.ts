import { LogStopped } from '../events/log/log.ts'
import { lookAhead, worthDecidingAhead } from './gate-ahead.ts'
import { takeBatch } from './gate-queue.ts'
import type { Pending } from './gate-types.ts'
import { decideNow, reject, send, settle, type Decided, type Flight, type WriteDependencies } from './gate-write.ts'

/** After so many appends that followed at once, others get room to write to the same aggregates. */
const maxInARow = 8
const retryPauseMs = 50
/** A quarter of a batch is enough to get a turn; smaller ones cost everybody more than they win (measured with four gates on one account). */
const maxHalvings = 2

export type WriterDependencies = WriteDependencies & { pause: (ms: number) => Promise<void> }

export type CommandWriter = {
  write: (pending: Pending) => void
  /** How many wait that no append has taken yet. */
  waiting: () => number
  /** Why nothing may be written any more; null while everything is well. */
  stoppedBy: () => LogStopped | null
}

/**
 * Group commit: one append is in flight at a time, and what comes meanwhile waits for the next one. Where enough waits it is
 * decided by the time that the append lands, and sent at once if that was applied.
 */
export function createWriter(dependencies: WriterDependencies): CommandWriter {
  const queue: Pending[] = []
  const ahead = lookAhead(dependencies, queue)
  let draining = false
  let conflictsInARow = 0
  let stopped: LogStopped | null = null

  async function drain(): Promise<void> {
    draining = true
    while (queue.length > 0) {
      await writeFrom(takeBatch(queue, nextBatchSize()))
      // Whoever was answered just now may ask again in this very turn, and belongs into the next append.
      await turnEnd()
    }
    draining = false
  }

  /**
   * Of many, one half is decided while the other is in flight. Whoever has lost to others takes fewer: a small batch is decided
   * before their next append is there, a large one never is.
   */
  function nextBatchSize(): number {
    const half = queue.length >= 2 * worthDecidingAhead ? Math.ceil(queue.length / 2) : queue.length
    return Math.max(1, half >> Math.min(conflictsInARow, maxHalvings))
  }

  /** Writes a batch; then what was decided ahead, as long as each append is applied; and returns to the queue what is left over. */
  async function writeFrom(batch: readonly Pending[]): Promise<void> {
    let unsettled = batch
    try {
      let flight = takeOff(await decideNow(dependencies, batch))
      for (let inARow = 1; ; inARow++) {
        unsettled = flight.batch
        if (inARow < maxInARow) ahead.begin(flight)
        const outcome = await flight.answer
        const next = ahead.end()
        conflictsInARow = outcome.result === 'conflict' ? conflictsInARow + 1 : 0
        if (outcome.result !== 'appended' || !next) {
          queue.unshift(...(next?.batch ?? []))
          queue.unshift(...(await settle(dependencies, flight, outcome)))
          return
        }
        const following = takeOff(next)
        await settle(dependencies, flight, outcome)
        flight = following
      }
    } catch (error) {
      queue.unshift(...(ahead.end()?.batch ?? []))
      if (error instanceof LogStopped) stop(error, unsettled)
      else queue.unshift(...(await tryAgain(dependencies, error, unsettled)))
    }
  }

  function takeOff(decided: Decided): Flight {
    queue.unshift(...decided.decided.undecided)
    const flight = send(dependencies, decided)
    // It is waited for a little later: until then a failure must not count as unhandled.
    flight.answer.catch(() => undefined)
    return flight
  }

  function stop(error: LogStopped, batch: readonly Pending[]): void {
    stopped = error
    dependencies.logger.fatal({ code: error.code }, error.message)
    for (const pending of [...batch, ...queue.splice(0)])
      if (pending.sent) reject(pending, 'outcome_unknown', `an append may have been applied before the log stopped: ${error.message}`)
      else reject(pending, 'log_stopped', error.message)
  }

  return {
    write(pending) {
      queue.push(pending)
      if (draining) ahead.look()
      else void drain()
    },
    waiting: () => queue.length,
    stoppedBy: () => stopped,
  }
}

const turnEnd = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** The connection failed. Returns whom to send again: the ids of commands tell whether an append that nobody heard of was applied. */
async function tryAgain({ logger, cache, clock, pause }: WriterDependencies, error: unknown, batch: readonly Pending[]): Promise<Pending[]> {
  logger.warn({ err: error, commands: batch.length }, 'the log could not be written; trying again')
  for (const { streams } of batch) cache.forget(Object.values(streams).filter((stream) => stream !== null))
  const nowMs = clock.nowMs()
  for (const pending of batch) {
    if (pending.giveUpAtMs > nowMs) continue
    if (pending.sent) reject(pending, 'outcome_unknown', 'the log did not answer; ask again with the same command id')
    else reject(pending, 'log_unavailable', 'the log cannot be reached; nothing was done')
  }
  const left = batch.filter((pending) => pending.giveUpAtMs > nowMs)
  await pause(retryPauseMs)
  return left
}
