import { randomBytes } from 'node:crypto'
import type { Config } from '../../platform/config/config.ts'
import { dataPaths } from '../../platform/process/data-dir.ts'
import { PlatformError } from '../../platform/platform-error.ts'
import { secretFile } from '../../platform/process/secret-file.ts'

export type AdminToken = { token: string; from: 'ADMIN_TOKEN' | 'file' | 'made' }

const minCharacters = 32

/**
 * The first token: from the environment, or the one that was made on the first start (the settings let that happen on loopback
 * only) and is kept in a file that only this user can read, so that it survives restarts. Throws `secret_file_unusable`.
 */
export function adminToken(config: Pick<Config, 'adminToken' | 'dataDir'>): AdminToken {
  if (config.adminToken) return { token: config.adminToken.reveal(), from: 'ADMIN_TOKEN' }
  const file = dataPaths(config.dataDir).adminToken
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
