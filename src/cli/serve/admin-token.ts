import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { dataPaths } from '../../platform/data-dir.ts'
import type { Config } from '../../platform/config.ts'

export type AdminToken = { token: string; from: 'ADMIN_TOKEN' | 'file' | 'made' }

/**
 * The first token: from the environment, or the one that was made on the first start (config lets that happen on
 * loopback only) and lies in a file that only this user can read, so that it survives restarts.
 */
export function adminToken(config: Config): AdminToken {
  if (config.adminToken) return { token: config.adminToken.reveal(), from: 'ADMIN_TOKEN' }
  const file = dataPaths(config.dataDir).adminToken
  try {
    const token = readFileSync(file, 'utf8').trim()
    if (token.length >= 32) return { token, from: 'file' }
  } catch {
    // None was made yet.
  }
  const token = randomBytes(32).toString('base64url')
  writeFileSync(file, `${token}\n`, { mode: 0o600 })
  return { token, from: 'made' }
}
