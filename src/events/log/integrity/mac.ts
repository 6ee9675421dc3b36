import { hkdfSync, timingSafeEqual } from 'node:crypto'
import { hmacSha256 } from './hmac.ts'
import type { NewEvent } from '../log.ts'

/** What a MAC vouches for. The revision is `any` where the writer did not know it: histories, to which anything may be added. */
export type Vouched = { incarnation: string; revision: number | 'any' } & NewEvent

/**
 * Message authentication codes of events (HMAC-SHA-256, RFC 2104, 128 bits of it) under a key that neither Redis nor Postgres
 * ever holds: whoever can write to the log cannot forge an event in it, nor move one to another stream, revision or log.
 * A MAC reads `<key id>.<code>`, so that keys can be replaced.
 */
export type EventMacs = {
  /** Of the key that new events are vouched for with. */
  keyId: string
  knows: (keyId: string) => boolean
  make: (event: Vouched) => string
  check: (event: Vouched, mac: string) => 'genuine' | 'forged' | 'key_unknown'
}

const codeBytes = 16
const keyIdCharacters = 6

/** From secrets of 32 bytes, the newest last. */
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

/** A name for a key that gives nothing of it away. */
const keyIdOf = (secret: Buffer): string =>
  Buffer.from(hkdfSync('sha256', secret, '', 'hybrid-ai-council event mac key id', 8))
    .toString('base64url')
    .slice(0, keyIdCharacters)

function codeOf(
  hmac: (text: string) => Buffer,
  { incarnation, stream, revision, type, version, data, metadata }: Vouched,
): Buffer {
  // The lengths first: no two events are the same text.
  const lengths = `${incarnation.length} ${stream.length} ${String(revision).length} ${type.length} ${String(version).length} ${data.length} ${metadata.length}`
  return hmac(`${lengths}\n${incarnation}${stream}${revision}${type}${version}${data}${metadata}`).subarray(
    0,
    codeBytes,
  )
}
