import { sql } from 'kysely'
import { z } from 'zod'
import type { RecordedEvent } from '../events/event.ts'
import type { Principal } from '../events/identifiers.ts'
import { TokenScope, tokenEvents, type TokenEvent } from '../events/token.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, bytewise, json, nullable, text, timestamp, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

/** Without the hash of the secret, which stays in the log: managing tokens does not need it. */
const columns = {
  token_id: bytewise(text),
  subject: bytewise(text),
  scopes: json(z.array(TokenScope)),
  label: text,
  /** The token that issued it; null: the first token. */
  issuer: nullable(text),
  issued_by: text,
  issued_at: timestamp,
  expires_at: nullable(timestamp),
  revoked_by: nullable(text),
  revoked_at: nullable(timestamp),
  revoked_why: nullable(text),
  first_position: text,
  last_position: text,
  last_sequence: bigint,
}
export type TokenRow = RowOf<typeof columns>

type RecordedTokenEvent = RecordedEvent<TokenEvent>

/** `read_models.tokens`: one row per access token. */
export const tokens = tableProjection({
  name: 'tokens',
  version: 1,
  columns,
  key: 'token_id',
  indexes: [sql`(subject, token_id)`],
  handles: tokenEvents,
  keyOf: ({ data }) => data.tokenId,
  evolve(row, event) {
    if (event.type === 'TokenIssued') return issued(event)
    if (!row) throw new Error(`${event.type} on ${event.stream}, which was never issued`)
    return {
      ...row,
      revoked_by: storableText(event.data.by),
      revoked_at: timeOf(event),
      revoked_why: storableText(event.data.reason),
      last_position: event.position,
      last_sequence: event.sequence,
    }
  },
})

/** A page of rows, newest first: those before an id, or the first; of one subject, or of all (null). */
export function selectTokens(
  tx: Tx,
  before: string | undefined,
  limit: number,
  subject: Principal | null,
): Promise<TokenRow[]> {
  const ofSubject = subject === null ? sql`true` : sql`subject = ${subject}`
  const older = before === undefined ? sql`true` : sql`token_id < ${before}`
  return tokens.select(tx, sql`where ${ofSubject} and ${older} order by token_id desc limit ${limit}`)
}

const timeOf = ({ metadata }: RecordedTokenEvent): string => isoTime(Date.parse(metadata.occurredAt))

function issued(event: Extract<RecordedTokenEvent, { type: 'TokenIssued' }>): TokenRow {
  const { tokenId, subject, scopes, label, issuer, by, expiresAt } = event.data
  return {
    token_id: tokenId,
    subject,
    scopes,
    label: storableText(label),
    issuer,
    issued_by: storableText(by),
    issued_at: timeOf(event),
    expires_at: expiresAt === null ? null : isoTime(Date.parse(expiresAt)),
    revoked_by: null,
    revoked_at: null,
    revoked_why: null,
    first_position: event.position,
    last_position: event.position,
    last_sequence: event.sequence,
  }
}
