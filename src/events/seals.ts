import { z } from 'zod'
import { isEventOf, type EventOf } from './event.ts'
import { Position, streamNameIn } from './identifiers.ts'

/**
 * `seals/<yyyy-mm-dd>`: what makes the log tamper-evident to others than its owner. A history: any revision may be appended to.
 * A seal says: up to this event the chain's head is this, signed (Ed25519, RFC 8032) under a sealing key; a sealing key is
 * introduced by the one before it, the first one by itself.
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
  /** The key that vouches for it; null: it is the first one, and signs itself. */
  by: keyId.nullable(),
})

export const sealEvents = {
  LogSealed: { version: 1, data: z.strictObject({ ...seal.shape, signature }) },
  SealingKeyIntroduced: { version: 1, data: z.strictObject({ ...sealingKey.shape, signature }) },
} as const

export type SealEvent = EventOf<typeof sealEvents>
export const isSealEvent = isEventOf(sealEvents)
export type Seal = z.infer<typeof seal>
export type SealingKey = z.infer<typeof sealingKey>

/** Which log a seal is about; it is signed with it, but not repeated in every event. */
type OfLog = { councilId: string; incarnation: string }

/** The text that a seal signs, in UTF-8: one field a line, each without line breaks, in this order, with a line break at the end. */
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

/** The text with which a sealing key is introduced, made like that of a seal. */
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
