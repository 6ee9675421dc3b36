import { createHash, randomBytes } from 'node:crypto'
import { printToken } from '../../src/events/token-text.ts'
import { tokenScopes, type TokenScope } from '../../src/events/token.ts'
import { executeCommand, type ApiAnswer } from './api-client.ts'
import { newId } from './council.ts'

export const secretHashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

export type TestToken = { token: string; tokenId: string; answer: ApiAnswer }

type Asked = { subject?: string; scopes?: readonly TokenScope[]; expiresAt?: string; by?: string; label?: string }

/** Issues a token over HTTP, with the admin token by default, and makes its secret as a client does. */
export async function issueToken(
  { url }: { url: string },
  { subject, scopes = tokenScopes, expiresAt, by, label = 'a test' }: Asked = {},
): Promise<TestToken> {
  const tokenId = newId()
  const secret = randomBytes(32).toString('base64url')
  const fields = {
    scopes,
    label,
    secretHash: secretHashOf(secret),
    ...(subject !== undefined && { subject }),
    ...(expiresAt !== undefined && { expiresAt }),
  }
  const answer = await executeCommand({ url, ...(by !== undefined && { token: by }) }, 'IssueToken', fields, tokenId)
  return { token: printToken({ tokenId, secret }), tokenId, answer }
}

/** The header with which a program authenticates. */
export const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` })
