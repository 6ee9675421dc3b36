import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign, verify, type KeyObject } from 'node:crypto'
import { sealText, sealingKeyText, type Seal, type SealEvent, type SealingKey } from '../../seals.ts'
import type { ArchiveCheckpoint } from './archive.ts'
import type { LogIdentity } from './chain.ts'

/** A key that signs seals (Ed25519, RFC 8032). The private half never leaves this object. */
export type SealKey = { keyId: string; publicKey: string; sign: (text: string) => string }

type DataOf<Type extends SealEvent['type']> = Extract<SealEvent, { type: Type }>['data']

/** A new private key, PEM (PKCS#8). */
export const newSealKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })

/** Throws if the text is not an Ed25519 private key. */
export function sealKeyFrom(pem: string): SealKey {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key for ${key.asymmetricKeyType}, not for Ed25519`)
  const publicKey = publicDer(createPublicKey(key))
  return {
    keyId: keyIdOf(publicKey),
    publicKey: publicKey.toString('base64url'),
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64url'),
  }
}

/** A seal of everything up to a checkpoint. */
export function sealed(
  key: SealKey,
  identity: LogIdentity,
  { sequence, position, chainHead }: Pick<ArchiveCheckpoint, 'sequence' | 'position' | 'chainHead'>,
): DataOf<'LogSealed'> {
  const seal: Seal = { sequence, position, chainHead: chainHead.toString('hex'), keyId: key.keyId }
  return { ...seal, signature: key.sign(sealText(identity, seal)) }
}

/** The introduction of a key, signed by the key before it; the first key signs itself. */
export function introduced(
  key: SealKey,
  identity: LogIdentity,
  previous: SealKey | null,
): DataOf<'SealingKeyIntroduced'> {
  const introduction: SealingKey = { keyId: key.keyId, publicKey: key.publicKey, by: previous?.keyId ?? null }
  return { ...introduction, signature: (previous ?? key).sign(sealingKeyText(identity, introduction)) }
}

/** Whether a seal is signed for this log under a public key (in the form of `SealingKey`). */
export function isGenuineSeal(
  identity: LogIdentity,
  { signature, ...seal }: DataOf<'LogSealed'>,
  publicKey: string,
): boolean {
  const key = publicKeyFrom(publicKey)
  return key !== null && key.keyId === seal.keyId && key.verify(sealText(identity, seal), signature)
}

/** Whether the named key introduced this key for this log; `by` is the public key of the introducer, null for the first key. */
export function isGenuineIntroduction(
  identity: LogIdentity,
  { signature, ...introduction }: DataOf<'SealingKeyIntroduced'>,
  by: string | null,
): boolean {
  const own = publicKeyFrom(introduction.publicKey)
  const signer = by === null ? own : publicKeyFrom(by)
  if (!own || !signer || own.keyId !== introduction.keyId) return false
  return (
    introduction.by === (by === null ? null : signer.keyId) &&
    signer.verify(sealingKeyText(identity, introduction), signature)
  )
}

type PublicKey = { keyId: string; verify: (text: string, signature: string) => boolean }

/** The public half of a sealing key (in the form of `SealingKey`); null if it is none. Signatures are base64url. */
export function publicKeyFrom(publicKey: string): PublicKey | null {
  try {
    const der = Buffer.from(publicKey, 'base64url')
    const key: KeyObject = createPublicKey({ key: der, format: 'der', type: 'spki' })
    if (key.asymmetricKeyType !== 'ed25519') return null
    return {
      keyId: keyIdOf(der),
      verify: (text, signature) => verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url')),
    }
  } catch {
    return null
  }
}

const publicDer = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })
const keyIdOf = (publicKey: Buffer): string => hash('sha256', publicKey, 'hex').slice(0, 16)
