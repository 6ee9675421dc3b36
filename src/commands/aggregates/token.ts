import type { Principal, Uuid7 } from '../../events/identifiers.ts'
import type { TokenEvent, TokenScope } from '../../events/token.ts'
import type { Aggregate } from '../decider.ts'

export type IssuedToken = {
  subject: Principal
  scopes: TokenScope[]
  /** Epoch ms; null: never. */
  expiresAtMs: number | null
  secretHash: string
  issuer: Uuid7 | null
}
export type Token = { status: 'absent' } | ({ status: 'issued' | 'revoked' } & IssuedToken)

export const token: Aggregate<Token, TokenEvent, 'token'> = {
  category: 'token',
  stateVersion: 1,
  initial: { status: 'absent' },
  evolve(state, event) {
    switch (event.type) {
      case 'TokenIssued': {
        const { subject, scopes, expiresAt, secretHash, issuer } = event.data
        const expiresAtMs = expiresAt === null ? null : Date.parse(expiresAt)
        return { status: 'issued', subject, scopes, expiresAtMs, secretHash, issuer }
      }
      case 'TokenRevoked':
        return state.status === 'absent' ? state : { ...state, status: 'revoked' }
      default:
        return event satisfies never
    }
  },
}

export type TokenFault = 'token_unknown' | 'token_revoked' | 'token_expired'

/** Why a token is not valid at a time in epoch ms, apart from its issuers; null: it is valid. */
export function tokenFault(state: Token, nowMs: number): TokenFault | null {
  if (state.status === 'absent') return 'token_unknown'
  if (state.status === 'revoked') return 'token_revoked'
  return state.expiresAtMs !== null && state.expiresAtMs <= nowMs ? 'token_expired' : null
}
