import type { AppendResult } from '../../events/log/log.ts'

/** While Redis writes one append, the gate decides the next one and sends it. */
const maxInFlight = 2
/** One append of 64 commands is faster than two of 32. */
const defaultMinPipelined = 32
/**
 * Pause after this many back-to-back appends, so that competing gates can write to the same aggregates. A gate that has seen no
 * competitor for 64 appends pauses less often; each pause costs a round trip.
 */
const maxConsecutive = { withCompetitors: 4, alone: 64 }
/** A quarter of a batch is small enough to win a conflict; smaller batches cost more than they win (measured with four gates on one account). */
const maxHalvings = 2

/** Decides how many commands the next append takes, and whether it may be sent while another append is in flight. */
export type Backoff = {
  /** The size of the next batch while no append is in flight. Starts a new run of back-to-back appends. */
  firstSize: (waiting: number) => number
  /** The size of a batch to send after the appends in flight (their sizes); 0: wait for an answer first. */
  pipelinedSize: (inFlight: readonly number[], waiting: number) => number
  sent: () => void
  answered: (outcome: AppendResult) => void
  /** Sends no further append in this run. */
  endRun: () => void
  /** Whether the newest append lost to another gate: gates that retry at once slow each other down. */
  lostLast: () => boolean
}

export function createBackoff(minPipelined = defaultMinPipelined): Backoff {
  let consecutive = 0
  let conflicts = 0
  /** Appends since another gate's event last appeared. */
  let appendsAlone = Infinity
  /** The sequence of the next event if no other gate writes first. */
  let nextSequence: number | undefined

  /** Splits a large backlog in half: one half is decided while the other is in flight. */
  const share = (all: number, waiting: number): number => (all >= 2 * minPipelined ? Math.ceil(all / 2) : waiting)

  return {
    firstSize(waiting) {
      consecutive = 0
      // After a conflict a gate takes fewer commands: it decides a small batch before the competitor's next append arrives.
      return Math.max(1, share(waiting, waiting) >> Math.min(conflicts, maxHalvings))
    },

    pipelinedSize(inFlight, waiting) {
      if (inFlight.length === 0 || inFlight.length >= maxInFlight || waiting < minPipelined) return 0
      if (consecutive >= (appendsAlone < maxConsecutive.alone ? maxConsecutive.withCompetitors : maxConsecutive.alone))
        return 0
      const size = share(
        inFlight.reduce((sum, commands) => sum + commands, waiting),
        waiting,
      )
      return waiting >= size ? size : 0
    },

    sent: () => void consecutive++,

    answered(outcome) {
      conflicts = outcome.result === 'conflict' ? conflicts + 1 : 0
      if (outcome.result === 'conflict') appendsAlone = 0
      if (outcome.result !== 'appended' || outcome.positions.length === 0) return
      appendsAlone = outcome.firstSequence === (nextSequence ?? outcome.firstSequence) ? appendsAlone + 1 : 0
      nextSequence = outcome.firstSequence + outcome.positions.length
    },

    endRun: () => void (consecutive = Infinity),

    lostLast: () => conflicts > 0,
  }
}
