/** A new UUIDv7 (RFC 9562): 48 bits of this machine's clock in milliseconds, then 74 random bits. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const clock = Date.now().toString(16).padStart(12, '0')
  const random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const variant = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return [
    clock.slice(0, 8),
    clock.slice(8),
    `7${random.slice(13, 16)}`,
    `${variant.toString(16)}${random.slice(18, 20)}`,
    random.slice(20),
  ].join('-')
}
