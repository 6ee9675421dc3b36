import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { eventMacs, type EventMacs } from '../../events/log/integrity/mac.ts'
import type { Config } from '../../platform/config/config.ts'
import { dataPaths } from '../../platform/process/data-dir.ts'
import { PlatformError } from '../../platform/platform-error.ts'
import { secretFile } from '../../platform/process/secret-file.ts'

const keyBytes = 32

type KeySettings = Pick<Config, 'council' | 'log'>

const fileOf = ({ council, log }: KeySettings): string => log.macKeyFile ?? dataPaths(council.dataDir).macKey

/** The existing MAC keys, or null if their file is not on this machine. Throws like `macKeys`. */
export const knownMacKeys = (config: KeySettings): EventMacs | null =>
  existsSync(fileOf(config)) ? macKeys(config) : null

/**
 * The keys for the MACs of events, from MAC_KEY_FILE: one a line, the newest last. The first start creates one.
 * Throws `secret_file_unusable`.
 */
export function macKeys(config: KeySettings): EventMacs {
  const macKeyFile = fileOf(config)
  const text = secretFile(macKeyFile, () => `${randomBytes(keyBytes).toString('base64url')}\n`)
  const keys = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => Buffer.from(line.trim(), 'base64url'))
  if (keys.length === 0 || keys.some((key) => key.length !== keyBytes))
    throw new PlatformError(
      'secret_file_unusable',
      `${macKeyFile} must hold keys of ${keyBytes} bytes in base64url, one a line`,
    )
  return eventMacs(keys)
}
