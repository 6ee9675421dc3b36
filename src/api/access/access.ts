import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { tokenFault, type IssuedToken } from '../../commands/aggregates/token.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { maxIssuers } from '../../events/token.ts'
import { parseToken } from '../../events/token-text.ts'
import type { Clock } from '../../platform/clock.ts'
import { firstIdentity, type Identity } from './identity.ts'
import type { Origins } from './origins.ts'
import { sessionSecret } from './session-cookie.ts'
import type { Sessions, TokenHolder } from './sessions.ts'
import type { TokenStates } from './token-states.ts'

/**
 * `absent`: no credential was sent, or the session of a browser has ended. `wrong`: none that admits. `foreign`: a cookie, on a request
 * that no page of an allowed origin has sent. `unchecked`: Redis, which knows the credential, cannot be read.
 */
export type Authentication =
  { outcome: 'admitted'; identity: Identity } | { outcome: 'absent' | 'wrong' | 'foreign' | 'unchecked' }

export type Access = {
  /**
   * The identity of a request, by its `Authorization` header or else by the cookie of a browser's session. The scheme is
   * case-insensitive (RFC 9110). Comparisons take constant time.
   */
  authenticate: (request: { method?: string | undefined; headers: IncomingHttpHeaders }) => Promise<Authentication>
  /** The identity of a token as text; null if it does not admit. Rejects while the log cannot be read. */
  identityOf: (token: string) => Promise<Identity | null>
  /** The identity of a token that was checked before, if it still admits. Rejects while the log cannot be read. */
  identityOfHolder: (holder: TokenHolder, options?: { isFresh?: boolean }) => Promise<Identity | null>
  holderOf: (identity: Identity) => TokenHolder
}

export type AccessDependencies = {
  adminToken: string
  origins: Origins
  tokens: TokenStates
  sessions: Pick<Sessions, 'find'>
  clock: Clock
}

const maxHeaderLength = 4096
/** Methods that change nothing. */
const safeMethods = ['GET', 'HEAD', 'OPTIONS']

/** Keeps only the hash of the admin token. */
export function createAccess({ adminToken, origins, tokens, sessions, clock }: AccessDependencies): Access {
  const adminHash = hash(adminToken)
  const firstHolder: TokenHolder = { first: hash(adminHash).toString('base64url') }

  /** The tokens from one to the first, if all of them are valid; null otherwise. Rejects while the log cannot be read. */
  async function validChain(tokenId: Uuid7, isFresh: boolean): Promise<{ own: IssuedToken; ids: Uuid7[] } | null> {
    const ids: Uuid7[] = []
    let own: IssuedToken | null = null
    for (let next: Uuid7 | null = tokenId; next !== null;) {
      const state = await tokens(next, { isFresh })
      if (state.status !== 'issued' || tokenFault(state, clock.nowMs()) || ids.length > maxIssuers) return null
      ids.push(next)
      own ??= state
      next = state.issuer
    }
    return own && { own, ids }
  }

  const identityIn = ({ own, ids }: { own: IssuedToken; ids: Uuid7[] }): Identity => ({
    subject: own.subject,
    scopes: new Set(own.scopes),
    tokens: ids,
    expiresAtMs: own.expiresAtMs,
    sessionId: null,
  })

  async function identityOf(token: string): Promise<Identity | null> {
    if (timingSafeEqual(hash(token), adminHash)) return firstIdentity
    const text = parseToken(token)
    const chain = text && (await validChain(text.tokenId, false))
    if (!chain || !timingSafeEqual(hash(text.secret), Buffer.from(chain.own.secretHash, 'hex'))) return null
    return identityIn(chain)
  }

  const identityOfHolder: Access['identityOfHolder'] = async (holder, { isFresh = false } = {}) => {
    if ('first' in holder) return holder.first === firstHolder.first ? firstIdentity : null
    const chain = await validChain(holder.tokenId, isFresh)
    return chain && identityIn(chain)
  }

  async function bySession(secret: string): Promise<Identity | null> {
    const session = await sessions.find(secret)
    const identity = session && (await identityOfHolder(session.holder))
    if (!identity || session.expiresAtMs <= clock.nowMs()) return null
    const expiresAtMs = Math.min(session.expiresAtMs, identity.expiresAtMs ?? Infinity)
    return { ...identity, expiresAtMs, sessionId: session.id }
  }

  return {
    async authenticate({ method = '', headers }) {
      const { authorization } = headers
      const secret = authorization === undefined ? sessionSecret(headers.cookie) : null
      if (authorization === undefined && secret === null) return { outcome: 'absent' }
      const needsPage = headers.upgrade !== undefined || !safeMethods.includes(method)
      if (secret !== null && needsPage && !origins.isFromPage(headers)) return { outcome: 'foreign' }
      try {
        const identity = await (secret === null ? identityOf(bearerIn(authorization)) : bySession(secret))
        if (identity) return { outcome: 'admitted', identity }
        return { outcome: secret === null ? 'wrong' : 'absent' }
      } catch {
        return { outcome: 'unchecked' }
      }
    },
    identityOf,
    identityOfHolder,
    holderOf: ({ tokens: [tokenId] }) => (tokenId === undefined ? firstHolder : { tokenId }),
  }
}

/** The token of a header; empty if there is none, which is no token either. */
const bearerIn = (header = ''): string =>
  (header.length <= maxHeaderLength && /^bearer +([\x21-\x7e]+)$/i.exec(header)?.[1]) || ''

const hash = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest()
