import { z } from 'zod'
import { isEventOf, type EventOf } from './event.ts'
import { Position, streamNameIn } from './identifiers.ts'

/**
 * `seals/<yyyy-mm-dd>`: seals make the log tamper-evident to parties other than its owner. An append-only stream. A seal signs the
 * head of the hash chain at an event (Ed25519, RFC 8032). Each sealing key is introduced by the one before it, the first by itself.
 */
const keyId = z.string().regex(/^[0-9a-f]{16}$/)
const signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/)

const seal = z.strictObject({
  sequence: z.int().positive(),
  position: Position,
  /** SHA-256, hexadecimal. */
  chainHead: z.string().regex(/^[0-9a-f]{64}$/),
  keyId,
})
const sealingKey = z.strictObject({
  /** The first 16 hexadecimal digits of the public key's SHA-256. */
  keyId,
  /** SubjectPublicKeyInfo (RFC 8410), DER in base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{59}$/),
  /** The key that signs the introduction; null: the first key signs itself. */
  by: keyId.nullable(),
})

export const sealEvents = {
  LogSealed: {
    version: 1,
    summary: 'The archiver signed the head of the hash chain.',
    data: z.strictObject({ ...seal.shape, signature }),
  },
  SealingKeyIntroduced: {
    version: 1,
    summary: 'A sealing key was introduced, signed by the key before it; the first key signs itself.',
    data: z.strictObject({ ...sealingKey.shape, signature }),
  },
} as const

export type SealEvent = EventOf<typeof sealEvents>
export const isSealEvent = isEventOf(sealEvents)
export type Seal = z.infer<typeof seal>
export type SealingKey = z.infer<typeof sealingKey>

/** The log that a seal belongs to: part of the signed text, but not of the event. */
type OfLog = { councilId: string; incarnation: string }

/** The signed text of a seal in UTF-8: one field per line, in this order, each line terminated. */
export const sealText = (
  { councilId, incarnation }: OfLog,
  { sequence, position, chainHead, keyId: key }: Seal,
): string =>
  lines(
    'hybrid-ai-council seal 1',
    `council ${councilId}`,
    `incarnation ${incarnation}`,
    `sequence ${sequence}`,
    `position ${position}`,
    `chain ${chainHead}`,
    `key ${key}`,
  )

/** The signed text that introduces a sealing key, in the same form. */
export const sealingKeyText = ({ councilId, incarnation }: OfLog, { keyId: key, publicKey, by }: SealingKey): string =>
  lines(
    'hybrid-ai-council sealing key 1',
    `council ${councilId}`,
    `incarnation ${incarnation}`,
    `key ${key}`,
    `public ${publicKey}`,
    `by ${by ?? 'itself'}`,
  )

const lines = (...fields: string[]): string => `${fields.join('\n')}\n`

/** The seals of a day, `yyyy-mm-dd` in UTC. */
export const sealsStream = (day: string) => streamNameIn('seals').parse(`seals/${day}`)
