import { createHash, randomBytes } from 'node:crypto'
import { Uuid7 } from '../../events/identifiers.ts'
import { printToken } from '../../events/token-text.ts'
import type { TokenScope } from '../../events/token.ts'
import { isoTime } from '../../platform/clock.ts'
import { newUuid7 } from '../../platform/ids.ts'
import type { Expiry } from '../arguments.ts'
import { councilApi } from '../council-api.ts'
import type { CliContext } from '../context.ts'

type Options = { scopes: TokenScope[]; subject?: string; expires?: Expiry; label: string }

/**
 * `council token issue`: makes the secret here and sends only its hash, so that the token is nowhere but in this output. Its id is the
 * id of the command.
 */
export async function issueToken(
  { scopes, subject, expires, label }: Options,
  { config, output, clock }: CliContext,
): Promise<number> {
  const tokenId = Uuid7.parse(newUuid7())
  const secret = randomBytes(32).toString('base64url')
  const expiresAt =
    expires === undefined ? null : isoTime('afterMs' in expires ? clock.nowMs() + expires.afterMs : expires.atMs)
  const secretHash = createHash('sha256').update(secret).digest('hex')
  const fields = { scopes, expiresAt, label, secretHash, ...(subject !== undefined && { subject }) }
  const { position } = await councilApi(config).execute('IssueToken', fields, tokenId)
  const token = printToken({ tokenId, secret })
  output.note(
    `token ${tokenId}, ${expiresAt === null ? 'without an end' : `until ${expiresAt}`}; it is shown only this once`,
  )
  await output.result({ tokenId, token, scopes, expiresAt, label, position }, () => token)
  return 0
}
