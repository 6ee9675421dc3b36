import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const maxTries = 100

/**
 * A loopback port that nobody listens on. It lies below the range from which the kernel takes ports for outgoing connections,
 * so that a server killed by a test can come back on the same port without a client having taken it meanwhile.
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
