import { z } from 'zod'
import { Uuid7 } from '../../events/identifiers.ts'
import { adminSubject, TokenScope } from '../../events/token.ts'
import { selectTokens, tokens, type TokenRow } from '../../projections/tokens.ts'
import { Positions, Time } from './fields.ts'
import type { Query } from './query.ts'
import { listQuery } from './row-queries.ts'

const Token = z
  .object({
    token: z.string(),
    subject: z.string(),
    scopes: z.array(TokenScope),
    label: z.string(),
    issuer: z.string().nullable().meta({ description: 'The token that issued it; null: the first token.' }),
    issuedBy: z.string(),
    issuedAt: Time,
    expiresAt: Time.nullable(),
    revokedBy: z.string().nullable(),
    revokedAt: Time.nullable(),
    revokedWhy: z.string().nullable(),
    positions: Positions,
  })
  .meta({ id: 'Token', description: 'What is known of a token; its secret is nowhere.' })

/** The tokens of the one who asks; `admin` sees those of all subjects. */
export const tokenQueries: readonly Query[] = [
  listQuery({
    path: '/v1/tokens',
    summary: 'Your tokens; those of every subject for `admin`; the newest first.',
    scope: 'tokens:write',
    readModel: tokens,
    name: 'tokens',
    row: Token,
    cursor: Uuid7,
    select: (tx, cursor, limit, { subject }) =>
      selectTokens(tx, cursor, limit, subject === adminSubject ? null : subject),
    cursorOf: (row) => row.token_id,
    print: printToken,
  }),
]

function printToken(row: TokenRow): z.output<typeof Token> {
  return {
    token: row.token_id,
    subject: row.subject,
    scopes: row.scopes,
    label: row.label,
    issuer: row.issuer,
    issuedBy: row.issued_by,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    revokedBy: row.revoked_by,
    revokedAt: row.revoked_at,
    revokedWhy: row.revoked_why,
    positions: { first: row.first_position, last: row.last_position },
  }
}
