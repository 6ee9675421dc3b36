import { Uuid7 } from '../../events/identifiers.ts'
import { adminSubject } from '../../events/token.ts'
import { selectTokens, tokens, type TokenRow } from '../../projections/tokens.ts'
import type { Query } from './query.ts'
import { listQuery } from './row-queries.ts'

/** The tokens of the one who asks; `admin` sees those of all subjects. */
export const tokenQueries: readonly Query[] = [
  listQuery({
    path: '/v1/tokens',
    scope: 'tokens:write',
    readModel: tokens,
    name: 'tokens',
    cursor: Uuid7,
    select: (tx, cursor, limit, { subject }) =>
      selectTokens(tx, cursor, limit, subject === adminSubject ? null : subject),
    cursorOf: (row) => row.token_id,
    print: printToken,
  }),
]

function printToken(row: TokenRow) {
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
