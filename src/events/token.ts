import { z } from 'zod'
import { maxReasonCharacters } from './account.ts'
import type { EventOf } from './event.ts'
import { Principal, streamNameIn, Uuid7 } from './identifiers.ts'

/** `token/<tokenId>`: an access token. The log has only the hash of its secret. Source: protocol, "Access". */
export const tokenScopes = [
  'chat:send',
  'chat:read',
  'chat:read-all',
  'events:read',
  'treasury:read',
  'treasury:write',
  'bounties:write',
  'mode:write',
  'approvals:write',
  'ops:rebuild',
  'ops:audit',
  'tokens:write',
] as const
export const TokenScope = z.enum(tokenScopes)
export type TokenScope = z.infer<typeof TokenScope>

/** What a person decides. An agent proposes it instead. */
export const scopesOfPeople: readonly TokenScope[] = ['approvals:write', 'mode:write', 'treasury:write', 'tokens:write']

export const adminSubject = Principal.parse('admin')

const subjectPattern = /^(admin|(user|agent):[A-Za-z0-9_.-]{1,64})$/
/** `user:admin` would share the budget of `admin`, and `agent:council` is the council itself. */
const reservedSubjects = ['user:admin', 'agent:council']
/** Whom a token may belong to. Each has a budget stream and a name as the worker of a bounty. */
export const TokenSubject = z
  .string()
  .regex(subjectPattern, 'must be admin, user:<id> or agent:<id>')
  .refine((subject) => !reservedSubjects.includes(subject), 'is reserved')
  .brand<'Principal'>()

/** SHA-256 of the secret, the text after the id in a token, in hexadecimal. */
export const SecretHash = z.string().regex(/^[0-9a-f]{64}$/)
export const TokenLabel = z.string().trim().min(1).max(100)

/** A token has at most this many issuers above it, so that checking all of them takes a bounded time. */
export const maxIssuers = 8

export const tokenEvents = {
  TokenIssued: {
    version: 1,
    summary: 'An access token was issued. `issuer` is the token that issued it, or null for the first token.',
    data: z.strictObject({
      tokenId: Uuid7,
      subject: TokenSubject,
      scopes: z.array(TokenScope),
      expiresAt: z.iso.datetime().nullable(),
      label: z.string(),
      secretHash: SecretHash,
      issuer: Uuid7.nullable(),
      by: Principal,
    }),
  },
  TokenRevoked: {
    version: 1,
    summary: 'An access token was revoked. Every token that it issued ends with it.',
    data: z.strictObject({ tokenId: Uuid7, reason: z.string().min(1).max(maxReasonCharacters), by: Principal }),
  },
} as const

export type TokenEvent = EventOf<typeof tokenEvents>

export const tokenStream = (tokenId: Uuid7) => streamNameIn('token').parse(`token/${tokenId}`)
