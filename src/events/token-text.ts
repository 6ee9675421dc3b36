import { Uuid7 } from './identifiers.ts'

/** The id of a token, and the secret that proves its possession. */
export type TokenText = { tokenId: Uuid7; secret: string }

/** `hac_<tokenId>_<32 random bytes in base64url>`: its prefix and fixed length let scanners of leaked secrets recognise it. */
const tokenPattern = /^hac_([0-9a-f-]{36})_([A-Za-z0-9_-]{43})$/

export const printToken = ({ tokenId, secret }: TokenText): string => `hac_${tokenId}_${secret}`

/** Null for a text that is no token. */
export function parseToken(text: string): TokenText | null {
  const [, id, secret] = tokenPattern.exec(text) ?? []
  const tokenId = Uuid7.safeParse(id)
  return tokenId.success && secret !== undefined ? { tokenId: tokenId.data, secret } : null
}
