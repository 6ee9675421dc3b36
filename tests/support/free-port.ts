import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const maxTries = 100

/**
 * An unused loopback port. It is below the range of the kernel for outgoing connections, so that no client takes the
 * port of a killed server before its restart.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const port = randomInt(15_000, 32_000)
    if (await isFree(port)) return port
  }
  throw new Error(`no free loopback port in ${maxTries} tries`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
