import { createHash, timingSafeEqual } from 'node:crypto'
import { tokenFault, type IssuedToken } from '../../commands/aggregates/token.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import { maxIssuers, tokenStream } from '../../events/token.ts'
import { parseToken } from '../../events/token-text.ts'
import type { Clock } from '../../platform/clock.ts'
import { firstIdentity, type Identity } from './identity.ts'
import type { TokenStates } from './token-states.ts'

/** `absent`: no credential was sent. `wrong`: none that admits. `unchecked`: the log that knows the token cannot be read. */
export type Authentication = { outcome: 'admitted'; identity: Identity } | { outcome: 'absent' | 'wrong' | 'unchecked' }

export type Access = {
  /** The identity of an `Authorization` header. The scheme is case-insensitive (RFC 9110). Comparisons take constant time. */
  authenticate: (authorization: string | undefined) => Promise<Authentication>
  /**
   * Calls `onEnd` once, when the tokens of an identity no longer admit: at once if they were revoked meanwhile, within a second of a
   * revocation, and when they expire. Returns a function that ends the watch.
   */
  watch: (identity: Identity, onEnd: () => void) => () => void
  /** Whether the server accepts this `Origin`. Programs send none; an origin that a browser sends must match the list exactly. */
  originAllowed: (origin: string | undefined) => boolean
}

export type AccessDependencies = {
  adminToken: string
  allowedOrigins: readonly string[]
  tokens: TokenStates
  tail: Pick<LogTail, 'listen'>
  clock: Clock
}

const maxHeaderLength = 4096
/** The longest delay of a timer in Node. */
const maxTimerMs = 2 ** 31 - 1

/** Keeps only the hash of the admin token. */
export function createAccess({ adminToken, allowedOrigins, tokens, tail, clock }: AccessDependencies): Access {
  const adminHash = hash(adminToken)
  const origins = new Set(allowedOrigins)

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

  async function identityOf(bearer: string): Promise<Identity | null> {
    if (timingSafeEqual(hash(bearer), adminHash)) return firstIdentity
    const text = parseToken(bearer)
    const chain = text && (await validChain(text.tokenId, false))
    if (!chain || !timingSafeEqual(hash(text.secret), Buffer.from(chain.own.secretHash, 'hex'))) return null
    const { subject, scopes, expiresAtMs } = chain.own
    return { subject, scopes: new Set(scopes), tokens: chain.ids, expiresAtMs }
  }

  return {
    async authenticate(authorization) {
      if (authorization === undefined) return { outcome: 'absent' }
      const isShort = authorization.length <= maxHeaderLength
      const bearer = (isShort && /^bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1]) || ''
      try {
        const identity = await identityOf(bearer)
        return identity ? { outcome: 'admitted', identity } : { outcome: 'wrong' }
      } catch {
        return { outcome: 'unchecked' }
      }
    },

    watch({ tokens: ids, expiresAtMs }, onEnd) {
      const [own] = ids
      if (own === undefined) return () => undefined
      let timer: NodeJS.Timeout | undefined
      const stops = ids.map((id) => tail.listen(tokenStream(id), () => void check()))
      const stop = (): void => {
        clearTimeout(timer)
        for (const each of stops.splice(0)) each()
      }
      const end = (): void => {
        if (stops.length === 0) return
        stop()
        onEnd()
      }
      // An event that the log cannot confirm right now ends the watch: the client may authenticate again.
      const check = (): Promise<void> =>
        validChain(own, true).then(
          (chain) => void (chain === null && end()),
          () => end(),
        )
      const untilExpiry = (): void => {
        const leftMs = (expiresAtMs ?? Infinity) - clock.nowMs()
        if (leftMs <= 0) return end()
        if (leftMs === Infinity) return
        timer = setTimeout(untilExpiry, Math.min(leftMs, maxTimerMs))
        timer.unref()
      }
      untilExpiry()
      // The token may have been revoked between its authentication and this watch.
      void check()
      return stop
    },

    originAllowed: (origin) => origin === undefined || origins.has(origin),
  }
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
