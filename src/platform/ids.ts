import { v7 } from 'uuid'

/** A new UUIDv7 (RFC 9562): its first 48 bits are this machine's clock. */
export const newUuid7 = (): string => v7()
