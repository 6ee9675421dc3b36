import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { AccountId } from '../events/account.ts'
import { eventCatalogue } from '../events/catalogue.ts'
import { beginning, comparePositions, justBefore, Position, StreamName, Uuid7 } from '../events/identifiers.ts'
import { CliError } from './failure.ts'

/** Where an event is in the log, or a time of the log's clock: the milliseconds from the first to the last that it names, both included. */
export type LogPoint = { position: Position } | { firstMs: number; lastMs: number }

/** From one moment to another, both included; without an end of its own it reaches to that end of the log. */
export type Range = { from?: LogPoint; to?: LogPoint }

const Time = z.iso.datetime({ offset: true })
const Day = z.iso.date()
const dayMs = 86_400_000
const lastInMs = '18446744073709551615'

/**
 * `1795448595415-0`, `2026-11-23` (the whole day, UTC) or `2026-11-23T10:00:00Z` (that millisecond). A time without its zone could
 * mean two things, so it is refused.
 */
export function parseLogPoint(text: string): LogPoint {
  const position = Position.safeParse(text)
  if (position.success) return { position: position.data }
  const isDay = Day.safeParse(text).success
  if (isDay || Time.safeParse(text).success) {
    const firstMs = Date.parse(text)
    return { firstMs: Math.max(0, firstMs), lastMs: Math.max(0, isDay ? firstMs + dayMs - 1 : firstMs) }
  }
  throw new InvalidArgumentError(
    'It must be a position such as 1795448595415-0, a day such as 2026-11-23, or a time with its zone such as 2026-11-23T10:00:00Z.',
  )
}

/** Reading after this position starts with the moment. */
export function startOf(moment: LogPoint): Position {
  const first = 'position' in moment ? moment.position : (`${moment.firstMs}-0` as Position)
  return /^0+-0+$/.test(first) ? beginning : justBefore(first)
}

/** Reading up to this position ends with the moment. */
export const endOf = (moment: LogPoint): Position =>
  'position' in moment ? moment.position : (`${moment.lastMs}-${lastInMs}` as Position)

/** Tells which positions a range includes. Throws CliError `usage` for a range that ends before it starts. */
export function inRange({ from, to }: Range): (position: Position) => boolean {
  const after = from && startOf(from)
  const upTo = to && endOf(to)
  if (after && upTo && comparePositions(after, upTo) >= 0) throw new CliError('usage', '--to is before --from')
  return (position) =>
    (!after || comparePositions(position, after) > 0) && (!upTo || comparePositions(position, upTo) <= 0)
}

export function parseStream(text: string): StreamName {
  const stream = StreamName.safeParse(text)
  if (!stream.success)
    throw new InvalidArgumentError('It must be the name of a stream, such as chat/<id> or budget/council/2026-11-23.')
  return stream.data
}

export function parseEventType(text: string): string {
  if (text in eventCatalogue) return text
  throw new InvalidArgumentError(`It must be one of ${Object.keys(eventCatalogue).toSorted().join(', ')}.`)
}

export function parseRequestId(text: string): Uuid7 {
  const id = Uuid7.safeParse(text)
  if (!id.success) throw new InvalidArgumentError('It must be the id of a request, a UUIDv7 in lower case.')
  return id.data
}

export function parseAccountId(text: string): AccountId {
  const id = AccountId.safeParse(text)
  if (!id.success)
    throw new InvalidArgumentError('It must be reserve, spend, external, overrun, agent:<id> or bounty:<id>.')
  return id.data
}

export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (count < 1) throw new InvalidArgumentError('It must be a whole number from 1 to 999999999.')
  return count
}
