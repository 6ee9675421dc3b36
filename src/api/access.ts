import { createHash, timingSafeEqual } from 'node:crypto'
import { Principal } from '../events/identifiers.ts'

export type Access = {
  /** The principal of an `Authorization` header, or null. The scheme is case-insensitive (RFC 9110). The comparison takes constant time. */
  authenticate: (authorization: string | undefined) => Principal | null
  /** Whether the server accepts this `Origin`. Programs send none; an origin that a browser sends must match the list exactly. */
  originAllowed: (origin: string | undefined) => boolean
}

const maxHeaderLength = 4096
const admin = Principal.parse('admin')

/** Keeps only the hash of the token. */
export function createAccess(adminToken: string, allowedOrigins: readonly string[]): Access {
  const adminHash = hash(adminToken)
  const origins = new Set(allowedOrigins)
  return {
    authenticate(authorization) {
      const header = authorization ?? ''
      const token = header.length <= maxHeaderLength ? (/^bearer +([\x21-\x7e]+)$/i.exec(header)?.[1] ?? '') : ''
      return timingSafeEqual(hash(token), adminHash) ? admin : null
    },
    originAllowed: (origin) => origin === undefined || origins.has(origin),
  }
}

const hash = (token: string): Buffer => createHash('sha256').update(token).digest()
