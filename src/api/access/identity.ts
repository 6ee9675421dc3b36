import { Principal, type Uuid7 } from '../../events/identifiers.ts'
import { adminSubject, tokenScopes, type TokenScope } from '../../events/token.ts'

/** Who sends a request, and what its token permits. */
export type Identity = {
  subject: Principal
  scopes: ReadonlySet<TokenScope>
  /** The token, the token that issued it, and so on; empty for the first token. */
  tokens: readonly Uuid7[]
  /** When the token or the session ends, in epoch ms; null: never. */
  expiresAtMs: number | null
  /** The session of a browser; null for a token that came with the request. */
  sessionId: string | null
}

/** The holder of the first token, the one in the settings. */
export const firstIdentity: Identity = {
  subject: adminSubject,
  scopes: new Set(tokenScopes),
  tokens: [],
  expiresAtMs: null,
  sessionId: null,
}

/**
 * The viewer of answers that are the same for all: one that depended on its viewer after all would show too little, never the data of
 * another.
 */
export const anyone: Identity = {
  subject: Principal.parse(''),
  scopes: new Set(),
  tokens: [],
  expiresAtMs: null,
  sessionId: null,
}

/** The subject whose prompts an identity sees; null: those of all. */
export const promptsOf = (identity: Identity): Principal | null => (seesAllChats(identity) ? null : identity.subject)

/** Whether an identity sees the chats of every subject, and not only its own. */
export const seesAllChats = ({ scopes }: Identity): boolean => scopes.has('chat:read-all')
