import { IssueToken } from '../../src/commands/token/issue-token.ts'
import { RevokeToken } from '../../src/commands/token/revoke-token.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { adminSubject, tokenScopes, TokenSubject } from '../../src/events/token.ts'
import { commandFor, type ClientCommand, type PromisedToken } from './client-commands.ts'
import type { Random } from './random.ts'

const subjects = [adminSubject, TokenSubject.parse('user:ada'), TokenSubject.parse('agent:bob')] as const

/** Issues a token with the first token or under one of the last two that were asked for, or revokes one of them. */
export function tokenCommand(random: Random, tokenId: Uuid7, tokens: PromisedToken[]): ClientCommand {
  const last = tokens.at(-1 - random.below(Math.min(2, tokens.length)))
  if (last && random.happens(0.3)) return commandFor(RevokeToken, { tokenId: last.tokenId, reason: 'simulated' })
  const issuers = last && random.happens(0.6) ? [last.tokenId, ...last.issuers] : []
  tokens.push({ tokenId, issuers: issuers.slice(0, 4) })
  return commandFor(IssueToken, {
    tokenId,
    issuers: issuers.slice(0, 4),
    subject: random.pick(subjects),
    scopes: tokenScopes.filter(() => random.happens(0.7)).concat('chat:read'),
    expiresAt: null,
    label: 'simulated',
    secretHash: 'a'.repeat(64),
  })
}
