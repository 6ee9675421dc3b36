import { randomBytes } from 'node:crypto'
import { dataPaths } from '../../platform/process/data-dir.ts'
import { PlatformError } from '../../platform/platform-error.ts'
import { secretFile } from '../../platform/process/secret-file.ts'
import type { Secret } from '../../platform/secret.ts'

export type AdminToken = { token: string; from: 'ADMIN_TOKEN' | 'file' | 'made' }

const minCharacters = 32

/**
 * The first token: the one in the settings, or else the one in a file that only this user can read. The first start creates that file,
 * so the token survives restarts; the settings allow this on loopback only. Throws `secret_file_unusable`.
 */
export function adminToken(given: Secret | undefined, dataDir: string): AdminToken {
  if (given) return { token: given.reveal(), from: 'ADMIN_TOKEN' }
  const file = dataPaths(dataDir).adminToken
  let from: AdminToken['from'] = 'file'
  const token = secretFile(file, () => {
    from = 'made'
    return `${randomBytes(32).toString('base64url')}\n`
  }).trim()
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < minCharacters)
    throw new PlatformError(
      'secret_file_unusable',
      `${file} must hold one token of ${minCharacters} or more visible ASCII characters; remove the file to have a new one made`,
    )
  return { token, from }
}
