import { beginning, comparePositions, justBefore, type Position } from '../events/identifiers.ts'
import { CliError } from './failure.ts'

/** A position in the log, or a range of the log clock's milliseconds, both ends included. */
export type LogPoint = { position: Position } | { firstMs: number; lastMs: number }

/** A range of log points, both included; a missing end means that end of the log. */
export type Range = { from?: LogPoint; to?: LogPoint }

const lastInMs = '18446744073709551615'

/** The position after which a read starts, so that it includes the log point. */
export function startOf(point: LogPoint): Position {
  const first = 'position' in point ? point.position : (`${point.firstMs}-0` as Position)
  return /^0+-0+$/.test(first) ? beginning : justBefore(first)
}

/** The last position of a read that includes the log point. */
export const endOf = (point: LogPoint): Position =>
  'position' in point ? point.position : (`${point.lastMs}-${lastInMs}` as Position)

/** Returns a predicate for the positions in a range. Throws CliError `usage` when the range ends before it starts. */
export function inRange({ from, to }: Range): (position: Position) => boolean {
  const after = from && startOf(from)
  const upTo = to && endOf(to)
  if (after && upTo && comparePositions(after, upTo) >= 0) throw new CliError('usage', '--to is before --from')
  return (position) =>
    (!after || comparePositions(position, after) > 0) && (!upTo || comparePositions(position, upTo) <= 0)
}
