import { hash } from 'node:crypto'

const blockBytes = 64
const digestBytes = 32

/**
 * HMAC-SHA-256 (RFC 2104) of texts in UTF-8, 32 bytes. Twice as fast as `createHmac`, whose object costs more than the hash itself;
 * every event has a MAC.
 */
export function hmacSha256(key: Buffer): (text: string) => Buffer {
  if (key.length > blockBytes) throw new Error(`a key of ${key.length} bytes is longer than a block of SHA-256`)
  let inner = Buffer.alloc(4096)
  const outer = Buffer.alloc(blockBytes + digestBytes)
  const pad = (block: Buffer, byte: number): void => {
    for (let i = 0; i < blockBytes; i++) block[i] = (key[i] ?? 0) ^ byte
  }
  pad(inner, 0x36)
  pad(outer, 0x5c)
  return (text) => {
    // UTF-8 takes at most three bytes per UTF-16 unit.
    if (inner.length < blockBytes + text.length * 3) {
      inner = Buffer.alloc(blockBytes + text.length * 3)
      pad(inner, 0x36)
    }
    const bytes = inner.write(text, blockBytes, 'utf8')
    // Latin-1 maps bytes one to one, and such a string is cheaper than a buffer.
    outer.write(hash('sha256', inner.subarray(0, blockBytes + bytes), 'latin1'), blockBytes, 'latin1')
    return Buffer.from(hash('sha256', outer, 'latin1'), 'latin1')
  }
}
