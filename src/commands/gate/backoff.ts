import type { AppendResult } from '../../events/log/log.ts'

/** While the log writes one append, the next is decided, and is there when it is done. */
const maxInFlight = 2
/** Two small appends take longer than one. */
const usuallyWorthAnAppend = 32
/**
 * After so many appends that followed at once, others get room to write to the same aggregates. Whoever has met nobody in as
 * many appends as one row may have goes on for longer: each gap costs a turn of the log.
 */
const maxInARow = { besideOthers: 4, alone: 64 }
/** A quarter of a batch is enough to get a turn; smaller ones cost everybody more than they win (measured with four gates on one account). */
const maxHalvings = 2

/** How many commands an append takes, and whether one follows another before it has landed. */
export type Pace = {
  /** With none in flight: of so many that wait. A new row begins. */
  first: (waiting: number) => number
  /** Behind appends in flight, of so many commands each: of so many that wait. 0: it is not time for one. */
  behind: (inFlight: readonly number[], waiting: number) => number
  sent: () => void
  landed: (outcome: AppendResult) => void
  /** Nothing more follows in this row. */
  endRow: () => void
  /** Others have written to the same aggregates: two that try at once, again and again, slow down both. */
  hasLost: () => boolean
}

export function createPace(worthAnAppend = usuallyWorthAnAppend): Pace {
  let sentInARow = 0
  let conflictsInARow = 0
  /** Appends since somebody else's was last noticed, and the sequence that the next event has if nobody else writes one. */
  let appendsAlone = Infinity
  let nextSequence: number | undefined

  /** Of many, one half is decided while the other is in flight. */
  const share = (all: number, waiting: number): number => (all >= 2 * worthAnAppend ? Math.ceil(all / 2) : waiting)

  return {
    first(waiting) {
      sentInARow = 0
      // Whoever has lost to others takes fewer: a small batch is decided before their next append is there, a large one never is.
      return Math.max(1, share(waiting, waiting) >> Math.min(conflictsInARow, maxHalvings))
    },

    behind(inFlight, waiting) {
      if (inFlight.length === 0 || inFlight.length >= maxInFlight || waiting < worthAnAppend) return 0
      if (sentInARow >= (appendsAlone < maxInARow.alone ? maxInARow.besideOthers : maxInARow.alone)) return 0
      const size = share(inFlight.reduce((sum, commands) => sum + commands, waiting), waiting)
      return waiting >= size ? size : 0
    },

    sent: () => void sentInARow++,

    landed(outcome) {
      conflictsInARow = outcome.result === 'conflict' ? conflictsInARow + 1 : 0
      if (outcome.result === 'conflict') appendsAlone = 0
      if (outcome.result !== 'appended' || outcome.positions.length === 0) return
      appendsAlone = outcome.firstSequence === (nextSequence ?? outcome.firstSequence) ? appendsAlone + 1 : 0
      nextSequence = outcome.firstSequence + outcome.positions.length
    },

    endRow: () => void (sentInARow = Infinity),

    hasLost: () => conflictsInARow > 0,
  }
}
