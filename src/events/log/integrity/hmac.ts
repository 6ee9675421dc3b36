import { hash } from 'node:crypto'

const blockBytes = 64
const digestBytes = 32

/**
 * HMAC-SHA-256 (RFC 2104) of texts in UTF-8, 32 bytes. The same as `createHmac` in half the time: every event
 * has one, and making an object for each costs more than the hash itself.
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
    // No character takes more than three bytes.
    if (inner.length < blockBytes + text.length * 3) {
      inner = Buffer.alloc(blockBytes + text.length * 3)
      pad(inner, 0x36)
    }
    const bytes = inner.write(text, blockBytes, 'utf8')
    // Latin-1 stands for bytes one to one, and a string of it is cheaper to get than a buffer.
    outer.write(hash('sha256', inner.subarray(0, blockBytes + bytes), 'latin1'), blockBytes, 'latin1')
    return Buffer.from(hash('sha256', outer, 'latin1'), 'latin1')
  }
}
