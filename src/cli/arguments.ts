import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { eventCatalogue } from '../events/catalogue.ts'
import { isTimeZone, spanOf } from '../events/day.ts'
import { Position, StreamName, Uuid7, AccountId } from '../events/identifiers.ts'
import type { LogPoint } from '../events/log-point.ts'
import { TokenScope, tokenScopes } from '../events/token.ts'
import { CostGroupings, costGroupings, type CostGrouping } from '../projections/cost-groups.ts'
import { parseRoles, roleNames, type RoleName } from './serve/roles.ts'

/** Parsers of arguments and options. Each throws InvalidArgumentError with the allowed values. */

/**
 * Parses `1795448595415-0`, `2026-11-23` (the whole day, UTC) or `2026-11-23T10:00:00Z` (that millisecond). Rejects a time without a
 * zone as ambiguous.
 */
export const parseLogPoint = (text: string): LogPoint => logPointIn(text, 'UTC')

/** A moment as it was written, for a command that also takes the time zone of its days. */
export function parseMoment(text: string): string {
  logPointIn(text, 'UTC')
  return text
}

/** Parses a moment whose days are those of a time zone. */
export function logPointIn(text: string, timeZone: string): LogPoint {
  const position = Position.safeParse(text)
  if (position.success) return { position: position.data }
  const span = spanOf(text, timeZone)
  if (span) return span
  throw new InvalidArgumentError(
    'It must be a position such as 1795448595415-0, a day such as 2026-11-23, or a time with its zone such as 2026-11-23T10:00:00Z.',
  )
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

const idParser =
  (of: string) =>
  (text: string): Uuid7 => {
    const id = Uuid7.safeParse(text)
    if (!id.success) throw new InvalidArgumentError(`It must be the id of ${of}, a UUIDv7 in lower case.`)
    return id.data
  }
export const parseRequestId = idParser('a request')
export const parseElectionId = idParser('an election')
export const parseBountyId = idParser('a bounty')
export const parseApprovalId = idParser('an approval')
export const parseTokenId = idParser('a token')

export function parseTokenScopes(text: string): TokenScope[] {
  const scopes = z.array(TokenScope).safeParse(text.split(','))
  if (scopes.success) return scopes.data
  throw new InvalidArgumentError(`It must be a comma-separated list of ${tokenScopes.join(', ')}.`)
}

/** When something ends: after a time, or at an instant in epoch ms. */
export type Expiry = { afterMs: number } | { atMs: number }

export function parseExpiry(text: string): Expiry {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? []
  if (count !== undefined) return { afterMs: Number(count) * (unit === 'h' ? 3_600_000 : 86_400_000) }
  const span = spanOf(text, 'UTC')
  if (span) return { atMs: span.lastMs }
  throw new InvalidArgumentError('It must be hours or days such as 12h or 30d, a day, or a time with its zone.')
}

export function parseAccountId(text: string): AccountId {
  const id = AccountId.safeParse(text)
  if (!id.success)
    throw new InvalidArgumentError('It must be reserve, spend, external, overrun, agent:<id> or bounty:<id>.')
  return id.data
}

export function parseTimeZone(text: string): string {
  if (isTimeZone(text)) return text
  throw new InvalidArgumentError('It must be a time zone of the IANA database, such as Europe/Berlin.')
}

export function parseCostGroupings(text: string): CostGrouping[] {
  const by = CostGroupings.safeParse(text)
  if (!by.success)
    throw new InvalidArgumentError(`It must be a comma-separated list of ${costGroupings.join(', ')}, each once.`)
  return by.data
}

export function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (count < 1) throw new InvalidArgumentError('It must be a whole number from 1 to 999999999.')
  return count
}

export function parseRoleList(text: string): RoleName[] {
  const roles = parseRoles(text)
  if (!roles) throw new InvalidArgumentError(`It must be a list of ${roleNames.join(', ')}.`)
  return roles
}
