import { beginning, justBefore, type Position } from './identifiers.ts'

/** A position in the log, or a range of the log clock's milliseconds, both ends included. */
export type LogPoint = { position: Position } | { firstMs: number; lastMs: number }

const lastInMs = '18446744073709551615'

/** The position after which a read starts, so that it includes the log point. */
export function startOf(point: LogPoint): Position {
  const first = 'position' in point ? point.position : (`${point.firstMs}-0` as Position)
  return /^0+-0+$/.test(first) ? beginning : justBefore(first)
}

/** The last position of a read that includes the log point. */
export const endOf = (point: LogPoint): Position =>
  'position' in point ? point.position : (`${point.lastMs}-${lastInMs}` as Position)
