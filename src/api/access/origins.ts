import type { IncomingHttpHeaders } from 'node:http'

export type Origins = {
  /** Adds the server's own origins, once its port is known. */
  listensOn: (port: number) => void
  /** Whether the server accepts this `Origin`. Programs send none; an origin that a browser sends must match exactly. */
  isAllowed: (origin: string | undefined) => boolean
  /**
   * Whether a request came from a page of an allowed origin. A request that a cookie authenticates, or that sets one, needs this: a
   * browser sends the cookie whichever page asks.
   */
  isFromPage: (headers: IncomingHttpHeaders) => boolean
}

/**
 * The allowed origins: those of the settings, and the server's own, which follow from its listen address. Never from the `Host` header,
 * which a page can choose by the name under which it reaches this server (DNS rebinding).
 */
export function createOrigins(listed: readonly string[], host: string): Origins {
  const known = new Set(listed)
  const isAllowed = (origin: string | undefined): boolean => origin === undefined || known.has(origin)
  return {
    listensOn(port) {
      for (const own of ['localhost', '127.0.0.1', host.includes(':') ? `[${host}]` : host])
        known.add(new URL(`http://${own}:${port}`).origin)
    },
    isAllowed,
    // Browsers send no `Sec-Fetch-Site` with the upgrade to a WebSocket (Chromium 156) and outside secure origins.
    isFromPage: ({ origin, upgrade, 'sec-fetch-site': site }) =>
      origin !== undefined &&
      isAllowed(origin) &&
      (site === 'same-origin' || (site === undefined && upgrade !== undefined)),
  }
}
