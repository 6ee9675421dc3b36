import { comparePositions, type Position } from '../events/identifiers.ts'
import { endOf, startOf, type LogPoint } from '../events/log-point.ts'
import { CliError } from './failure.ts'

/** A range of log points, both included; a missing end means that end of the log. */
export type Range = { from?: LogPoint; to?: LogPoint }

/** Returns a predicate for the positions in a range. Throws CliError `usage` when the range ends before it starts. */
export function inRange({ from, to }: Range): (position: Position) => boolean {
  const after = from && startOf(from)
  const upTo = to && endOf(to)
  if (after && upTo && comparePositions(after, upTo) >= 0) throw new CliError('usage', '--to is before --from')
  return (position) =>
    (!after || comparePositions(position, after) > 0) && (!upTo || comparePositions(position, upTo) <= 0)
}
