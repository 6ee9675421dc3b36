import { randomBytes } from 'node:crypto'
import { eventMacs, type EventMacs } from '../../events/log/mac.ts'
import type { Config } from '../../platform/config.ts'
import { dataPaths } from '../../platform/data-dir.ts'
import { PlatformError } from '../../platform/platform-error.ts'
import { secretFile } from '../../platform/secret-file.ts'

const keyBytes = 32

/** The keys under which events are vouched for: one a line in MAC_KEY_FILE, the newest last; made on the first start. */
export function macKeys(config: Pick<Config, 'macKeyFile' | 'dataDir'>): EventMacs {
  const macKeyFile = config.macKeyFile ?? dataPaths(config.dataDir).macKey
  const text = secretFile(macKeyFile, () => `${randomBytes(keyBytes).toString('base64url')}\n`)
  const keys = text.split('\n').filter((line) => line.trim() !== '').map((line) => Buffer.from(line.trim(), 'base64url'))
  if (keys.length === 0 || keys.some((key) => key.length !== keyBytes))
    throw new PlatformError('secret_file_unusable', `${macKeyFile} must hold keys of ${keyBytes} bytes in base64url, one a line`)
  return eventMacs(keys)
}
