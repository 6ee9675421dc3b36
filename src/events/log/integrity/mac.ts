import { hkdfSync, timingSafeEqual } from 'node:crypto'
import { hmacSha256 } from './hmac.ts'
import type { NewEvent } from '../log.ts'

/** The input of a MAC. The revision is `any` on append-only streams, where the writer does not know it. */
export type MacInput = { incarnation: string; revision: number | 'any' } & NewEvent

/**
 * Message authentication codes of events (HMAC-SHA-256, RFC 2104, truncated to 128 bits) under a key that neither Redis nor Postgres
 * holds: write access to the log is not enough to forge an event or to move one to another stream, revision or log. A MAC has the form
 * `<key id>.<code>`, so that keys can be rotated.
 */
export type EventMacs = {
  /** The id of the key for new events. */
  keyId: string
  knows: (keyId: string) => boolean
  make: (event: MacInput) => string
  check: (event: MacInput, mac: string) => 'genuine' | 'forged' | 'key_unknown'
}

const codeBytes = 16
const keyIdCharacters = 6

/** MACs under secrets of 32 bytes, the newest last. */
export function eventMacs(secrets: readonly Buffer[]): EventMacs {
  const keys = new Map(secrets.map((secret) => [keyIdOf(secret), hmacSha256(secret)]))
  const [keyId, newest] = [...keys].at(-1) ?? []
  if (keyId === undefined || !newest) throw new Error('a MAC needs a key')
  return {
    keyId,
    knows: (id) => keys.has(id),
    make: (event) => `${keyId}.${codeOf(newest, event).toString('base64url')}`,
    check(event, mac) {
      const key = keys.get(mac.slice(0, keyIdCharacters))
      if (!key) return 'key_unknown'
      const code = Buffer.from(mac.slice(keyIdCharacters + 1), 'base64url')
      return code.length === codeBytes && timingSafeEqual(code, codeOf(key, event)) ? 'genuine' : 'forged'
    },
  }
}

/** A key id that reveals nothing about the key. */
const keyIdOf = (secret: Buffer): string =>
  Buffer.from(hkdfSync('sha256', secret, '', 'hybrid-ai-council event mac key id', 8))
    .toString('base64url')
    .slice(0, keyIdCharacters)

function codeOf(
  hmac: (text: string) => Buffer,
  { incarnation, stream, revision, type, version, data, metadata }: MacInput,
): Buffer {
  // The lengths make the encoding unambiguous.
  const lengths = `${incarnation.length} ${stream.length} ${String(revision).length} ${type.length} ${String(version).length} ${data.length} ${metadata.length}`
  return hmac(`${lengths}\n${incarnation}${stream}${revision}${type}${version}${data}${metadata}`).subarray(
    0,
    codeBytes,
  )
}
