import { once } from 'node:events'
import { createServer } from 'node:net'
import { PlatformError, messageOf } from '../platform-error.ts'

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: stop it, or set PORT to another one (0: any free port)',
  EACCES: 'this user may not listen there: set PORT to one above 1023',
  EADDRNOTAVAIL: 'this machine does not have that address: set HOST to one of its own',
  ENOTFOUND: 'there is no such name: set HOST to an address of this machine',
}

/** The error for an address that cannot be listened on: `port_unavailable`, with instructions. */
export function portUnavailable(host: string, port: number, error: unknown): PlatformError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return new PlatformError(
    'port_unavailable',
    `${address} cannot be listened on: ${advice[code] ?? messageOf(error)}${code === '' ? '' : ` (${code})`}`,
    error,
  )
}

/** Listens for a moment, so that a start which cannot listen fails before it has started anything. Throws `port_unavailable`. */
export async function assertCanListen(host: string, port: number): Promise<void> {
  const server = createServer()
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (error) {
    throw portUnavailable(host, port, error)
  }
  server.close()
  await once(server, 'close')
}
