import { randomUUIDv7 } from 'node:crypto'

/** A new UUIDv7 (RFC 9562): its first 48 bits are this machine's clock. */
export const newUuid7 = (): string => randomUUIDv7()
