import { existsSync } from 'node:fs'
import type { SealKeyChoice } from '../../events/log/archive/choose-seal-key.ts'
import { ArchiveStopped } from '../../events/log/archive/archive-stopped.ts'
import { newSealKey, sealKeyFrom, type SealKey } from '../../events/log/archive/seal-key.ts'
import type { Config } from '../../platform/config/config.ts'
import { dataPaths } from '../../platform/process/data-dir.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { secretFile } from '../../platform/process/secret-file.ts'

/** The sealing keys that the settings name. Throws `secret_file_unusable` and `seal_key_unusable`. */
export function sealKeys({
  council,
  log: { sealKeyFile, sealPreviousKeyFile },
}: Pick<Config, 'council' | 'log'>): Omit<SealKeyChoice, 'newest'> {
  const keyFile = sealKeyFile ?? dataPaths(council.dataDir).sealKey
  return {
    keyFile,
    key: existsSync(keyFile) ? keyIn(keyFile, missing) : null,
    previous: sealPreviousKeyFile === undefined ? null : keyIn(sealPreviousKeyFile, missing),
    make: () => keyIn(keyFile, newSealKey),
  }
}

function keyIn(path: string, make: () => string): SealKey {
  const pem = secretFile(path, make)
  try {
    return sealKeyFrom(pem)
  } catch (error) {
    throw new ArchiveStopped(
      'seal_key_unusable',
      `${path} must hold a private key for Ed25519 in PEM (openssl genpkey -algorithm ed25519): ${messageOf(error)}`,
      { cause: error },
    )
  }
}

function missing(): never {
  throw new Error('there is no such file')
}
