import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { eventCatalogue } from '../events/catalogue.ts'
import { AccountId, beginning, justBefore, Position, StreamName, Uuid7 } from '../events/identifiers.ts'

/** A point in the log: where an event stands, or a time of the log's clock in milliseconds. */
export type Moment = { position: Position } | { timeMs: number }

const Time = z.union([z.iso.datetime({ offset: true }), z.iso.date()])
const lastInMs = '18446744073709551615'

/** `1795448595415-0`, `2026-11-23` (UTC) or `2026-11-23T10:00:00Z`. A time without its zone could mean two things, so it is refused. */
export function parseMoment(text: string): Moment {
  const position = Position.safeParse(text)
  if (position.success) return { position: position.data }
  const time = Time.safeParse(text)
  if (time.success) return { timeMs: Math.max(0, Date.parse(time.data)) }
  throw new InvalidArgumentError(
    'It must be a position such as 1795448595415-0, a day such as 2026-11-23, or a time with its zone such as 2026-11-23T10:00:00Z.',
  )
}

/** Reading after this position starts with the moment. */
export function startOf(moment: Moment): Position {
  const first = 'position' in moment ? moment.position : (`${moment.timeMs}-0` as Position)
  return /^0+-0+$/.test(first) ? beginning : justBefore(first)
}

/** Reading up to this position ends with the moment. */
export const endOf = (moment: Moment): Position => ('position' in moment ? moment.position : (`${moment.timeMs}-${lastInMs}` as Position))

export function parseStream(text: string): StreamName {
  const stream = StreamName.safeParse(text)
  if (!stream.success) throw new InvalidArgumentError('It must be the name of a stream, such as chat/<id> or budget/council/2026-11-23.')
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
  if (!id.success) throw new InvalidArgumentError('It must be reserve, spend, external, overrun, agent:<id> or bounty:<id>.')
  return id.data
}

export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (count < 1) throw new InvalidArgumentError('It must be a whole number from 1 to 999999999.')
  return count
}
