/** `__Host-`: browsers take it only over a secure origin (which localhost is), for this host alone and from no other one. */
const name = '__Host-council'
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict'

/** The secret in a `Cookie` header; null without one. */
export function sessionSecret(cookie: string | undefined): string | null {
  for (const pair of (cookie ?? '').split(';')) {
    const [key, value] = pair.trim().split('=')
    if (key === name && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)) return value
  }
  return null
}

export const sessionCookie = (secret: string, maxAgeSeconds: number): string =>
  `${name}=${secret}; Max-Age=${maxAgeSeconds}; ${attributes}`

export const noSessionCookie = `${name}=; Max-Age=0; ${attributes}`
