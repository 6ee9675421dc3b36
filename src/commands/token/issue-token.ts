import { z } from 'zod'
import { isAgent, Uuid7, type Principal } from '../../events/identifiers.ts'
import {
  adminSubject,
  maxIssuers,
  scopesOfPeople,
  SecretHash,
  TokenLabel,
  TokenScope,
  tokenScopes,
  tokenStream,
  TokenSubject,
} from '../../events/token.ts'
import { token, tokenFault, type Token } from '../aggregates/token.ts'
import { defineCommand } from '../decider.ts'
import { refused, type Refusal } from '../refusals.ts'

/** What an issuer may pass on. `expiresAtMs` null: without an end. */
type Authority = { subject: Principal; scopes: readonly TokenScope[]; expiresAtMs: number | null }

/**
 * Issues a token with at most the rights and the lifetime of the token that issues it. `issuers` comes from the authenticated request:
 * the issuing token, its issuer, and so on; empty for the first token. All of them are read by this append, so that a token that was
 * revoked issues nothing, and neither does one whose issuer was. The client makes the secret and sends only its hash.
 */
export const IssueToken = defineCommand({ token, issuers: [token] })({
  name: 'IssueToken',
  schema: z.strictObject({
    tokenId: Uuid7,
    issuers: z.array(Uuid7).max(maxIssuers + 1),
    /** That of the issuer by default. */
    subject: TokenSubject.optional(),
    scopes: z.array(TokenScope).min(1),
    expiresAt: z.iso.datetime().nullable().default(null),
    label: TokenLabel,
    secretHash: SecretHash,
  }),
  recordsRefusals: true,
  reads: ({ tokenId, issuers }) => ({ token: tokenStream(tokenId), issuers: issuers.map(tokenStream) }),

  decide({ tokenId, issuers, subject, scopes, expiresAt, label, secretHash }, states, { now, principal }) {
    if (states.token.status !== 'absent') return refused('token_exists', { tokenId })
    const of = (id: Uuid7): Token => states.issuers.get(tokenStream(id)) ?? token.initial
    const issuer = authorityOf(issuers, of, principal, Date.parse(now))
    if ('outcome' in issuer) return issuer
    if (issuers.length > maxIssuers) return refused('too_many_issuers', { limit: maxIssuers })
    const owner = subject ?? issuer.subject
    if (owner !== issuer.subject && issuer.subject !== adminSubject)
      return refused('subject_not_allowed', { subject: owner })
    const given = tokenScopes.filter((scope) => scopes.includes(scope))
    const beyond = given.filter((scope) => !issuer.scopes.includes(scope))
    if (beyond.length > 0) return refused('scopes_exceed_issuer', { missingScopes: beyond.join(' ') })
    const ofPeople = given.filter((scope) => scopesOfPeople.includes(scope))
    if (isAgent(owner) && ofPeople.length > 0)
      return refused('scopes_not_for_agents', { missingScopes: ofPeople.join(' ') })
    const problem = expiryProblem(expiresAt, issuer, now)
    if (problem) return problem
    return {
      outcome: 'accepted',
      events: {
        token: [
          {
            type: 'TokenIssued',
            data: {
              tokenId,
              subject: owner,
              scopes: given,
              expiresAt,
              label,
              secretHash,
              issuer: issuers[0] ?? null,
              by: principal,
            },
          },
        ],
      },
    }
  },
})

/** The authority of the issuing token; a refusal if it or one of its issuers has ended. */
function authorityOf(
  issuers: readonly Uuid7[],
  of: (id: Uuid7) => Token,
  principal: Principal,
  nowMs: number,
): Authority | Refusal {
  for (const [index, tokenId] of issuers.entries()) {
    const state = of(tokenId)
    const fault = tokenFault(state, nowMs)
    if (fault) return refused(fault, { tokenId })
    const next = state.status === 'absent' ? null : state.issuer
    if (next !== (issuers[index + 1] ?? null)) return refused('token_unknown', { tokenId })
  }
  const [own] = issuers
  if (own === undefined) return principal === adminSubject ? firstToken : refused('token_unknown', { tokenId: 'first' })
  const issuer = of(own)
  return issuer.status !== 'absent' && issuer.subject === principal
    ? issuer
    : refused('token_unknown', { tokenId: own })
}

/** The first token, which the settings set, may pass on everything. */
const firstToken: Authority = { subject: adminSubject, scopes: tokenScopes, expiresAtMs: null }

function expiryProblem(expiresAt: string | null, { expiresAtMs: latestMs }: Authority, now: string): Refusal | null {
  const expiresAtMs = expiresAt === null ? Infinity : Date.parse(expiresAt)
  if (expiresAtMs > Date.parse(now) && expiresAtMs <= (latestMs ?? Infinity)) return null
  const latest = latestMs === null ? 'never' : new Date(latestMs).toISOString()
  return refused('expiry_out_of_range', { expiresAt: expiresAt ?? 'never', latest })
}
