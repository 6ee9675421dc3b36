import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SealLine } from '../../events/log/archive/seals-file.ts'
import type { KeptOutside } from '../../events/log/verify/seals.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { CliError } from '../failure.ts'

/** Files that an auditor has kept: copies of seals, one a line as in SEALS_FILE, and a public key, PEM. */
export type OutsideFiles = { seal?: string; publicKey?: string }

/** Reads seals and a public key that were kept outside of the council. Throws CliError `usage` for a malformed file. */
export const keptOutside = ({ seal, publicKey }: OutsideFiles): KeptOutside => ({
  lines: seal === undefined ? [] : read(seal, linesOf),
  publicKey: publicKey === undefined ? null : readPublicKey(publicKey),
})

/** Reads a public sealing key from a PEM file. Throws CliError `usage` for another file. */
export const readPublicKey = (path: string): string => read(path, publicKeyOf)

function linesOf(text: string): SealLine[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = whole.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [SealLine.parse(JSON.parse(line))]
    } catch {
      throw new Error(`line ${index + 1} is not a seal`)
    }
  })
  if (lines.length === 0) throw new Error('it holds no seal')
  return lines
}

function publicKeyOf(pem: string): string {
  const key = createPublicKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key for ${key.asymmetricKeyType}, not for Ed25519`)
  return key.export({ type: 'spki', format: 'der' }).toString('base64url')
}

function read<T>(path: string, parse: (text: string) => T): T {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new CliError('usage', `${path} cannot be used: ${messageOf(error)}`)
  }
}
