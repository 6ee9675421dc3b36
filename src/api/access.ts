import { createHash, timingSafeEqual } from 'node:crypto'

/** Whoever a token speaks for. A subject's command ids, sockets and limits are its own. */
export type Principal = { subject: string }

export type Access = {
  /** The principal of an `Authorization` header, or null. The scheme is read without regard to case (RFC 9110). Takes the same time whatever is wrong with it. */
  authenticate: (authorization: string | undefined) => Principal | null
  /** Whether a request with this `Origin` may come in. Programs send none; browsers must be on the list, exactly. */
  originAllowed: (origin: string | undefined) => boolean
}

const maxHeaderLength = 4096

/** Only the hash of the token is kept. */
export function createAccess(adminToken: string, allowedOrigins: readonly string[]): Access {
  const adminHash = hash(adminToken)
  const origins = new Set(allowedOrigins)
  return {
    authenticate(authorization) {
      const header = authorization ?? ''
      const token = header.length <= maxHeaderLength ? (/^bearer +([\x21-\x7e]+)$/i.exec(header)?.[1] ?? '') : ''
      return timingSafeEqual(hash(token), adminHash) ? { subject: 'admin' } : null
    },
    originAllowed: (origin) => origin === undefined || origins.has(origin),
  }
}

const hash = (token: string): Buffer => createHash('sha256').update(token).digest()
