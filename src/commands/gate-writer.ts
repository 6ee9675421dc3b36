import { LogStopped, type AppendResult } from '../events/log/log.ts'
import { takeBatch } from './gate-queue.ts'
import type { Pending } from './gate-types.ts'
import { decideBehind, decideNow, giveUp, send, settle, type Decided, type Flight, type WriteDependencies } from './gate-write.ts'

/** While the log writes one append, the next is decided, and is there when it is done. */
const maxInFlight = 2
/** Two small appends take longer than one. */
const usuallyWorthAnAppend = 32
/**
 * After so many appends that followed at once, others get room to write to the same aggregates. Whoever has met nobody in as
 * many appends as one row may have goes on for longer: each gap costs a turn of the log.
 */
const maxInARow = { besideOthers: 8, alone: 64 }
const retryPauseMs = 50
/** A quarter of a batch is enough to get a turn; smaller ones cost everybody more than they win (measured with four gates on one account). */
const maxHalvings = 2

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
  const { worthAnAppend = usuallyWorthAnAppend } = dependencies
  const queue: Pending[] = []
  /** The oldest first, in the order of their sending. */
  const flights: Flight[] = []
  let isDraining = false
  let isAboutToFollow = false
  let sentInARow = 0
  let conflictsInARow = 0
  /** Appends since somebody else's was last noticed, and the sequence that the next event has if there is none. */
  let appendsAlone = 0
  let nextSequence = 0
  let stopped: LogStopped | null = null

  async function drain(): Promise<void> {
    isDraining = true
    while (queue.length > 0) {
      await writeFrom(takeBatch(queue, firstSize()))
      // Whoever was answered just now may ask again in this very turn, and belongs into the next append.
      await turnEnd()
    }
    isDraining = false
  }

  /** Writes a batch, and behind it what comes meanwhile; what is left over when all of that has landed returns to the queue, in order. */
  async function writeFrom(batch: readonly Pending[]): Promise<void> {
    const again: Pending[] = []
    let isUnanswered = false
    /** Does a step for a batch; where the log fails, all of the batch is left over. */
    const attempt = async (step: () => Promise<readonly Pending[]>, commands: readonly Pending[]): Promise<void> => {
      try {
        again.push(...(await step()))
      } catch (error) {
        if (error instanceof LogStopped) stop(error)
        else isUnanswered = true
        again.push(...(error instanceof LogStopped ? commands : unanswered(dependencies, error, commands)))
      }
    }

    sentInARow = 0
    await attempt(async () => takeOff(await decideNow(dependencies, batch)), batch)
    for (let flight = flights[0]; flight; flight = flights[0]) {
      const landing = flight
      await attempt(() => land(landing), landing.batch)
      flights.shift()
      // Then others were decided on what has not come about: they land, and nothing follows them.
      if (again.length > 0) sentInARow = Infinity
      followSoon()
    }
    queue.unshift(...again)
    if (stopped) rejectAll(stopped)
    else if (isUnanswered) await dependencies.pause(retryPauseMs)
  }

  /** Sends what was decided; what did not fit into it waits on. */
  function takeOff(decided: Decided): readonly Pending[] {
    queue.unshift(...decided.decided.undecided)
    flights.push(send(dependencies, decided))
    sentInARow++
    followSoon()
    return []
  }

  async function land(flight: Flight): Promise<readonly Pending[]> {
    const outcome = await flight.answer
    conflictsInARow = outcome.result === 'conflict' ? conflictsInARow + 1 : 0
    noticeOthers(outcome)
    return settle(dependencies, flight, outcome)
  }

  function noticeOthers(outcome: AppendResult): void {
    if (outcome.result === 'conflict') appendsAlone = 0
    if (outcome.result !== 'appended' || outcome.positions.length === 0) return
    appendsAlone = outcome.firstSequence === nextSequence ? appendsAlone + 1 : 0
    nextSequence = outcome.firstSequence + outcome.positions.length
  }

  const mostInARow = (): number => (appendsAlone < maxInARow.alone ? maxInARow.besideOthers : maxInARow.alone)

  /** Of many, one half is decided while the other is in flight. */
  function nextSize(): number {
    const all = queue.length + flights.reduce((sum, { batch }) => sum + batch.length, 0)
    return all >= 2 * worthAnAppend ? Math.ceil(all / 2) : queue.length
  }

  /** Whoever has lost to others takes fewer: a small batch is decided before their next append is there, a large one never is. */
  const firstSize = (): number => Math.max(1, nextSize() >> Math.min(conflictsInARow, maxHalvings))

  const mayFollow = (): boolean =>
    flights.length > 0 && flights.length < maxInFlight && sentInARow < mostInARow() && conflictsInARow === 0 && queue.length >= worthAnAppend && queue.length >= nextSize()

  /** At the end of this turn, when all are there who come together. */
  function followSoon(): void {
    if (isAboutToFollow || !mayFollow()) return
    isAboutToFollow = true
    process.nextTick(() => {
      isAboutToFollow = false
      if (mayFollow()) follow(takeBatch(queue, nextSize()))
    })
  }

  function follow(batch: readonly Pending[]): void {
    const decided = decideBehind(dependencies, batch, flights)
    if (decided) takeOff(decided)
    else queue.unshift(...batch)
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
      if (isDraining) followSoon()
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
    giveUp(pending, 'log_unavailable', 'the log cannot be reached; nothing was done')
    return false
  })
}
