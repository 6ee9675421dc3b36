import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * A TCP proxy on loopback between a client and its server, which injects the faults of a network. Its terms are those
 * of Toxiproxy, where it has them.
 */
export type FaultProxy = {
  port: number
  /** `redis://` and the proxy's address. */
  redisUrl: string
  /** Forwards new connections to this port; existing connections stay. */
  target: (port: number) => void
  /** Delays all data in both directions. */
  latency: (ms: number) => void
  /** Holds all data back in both directions until `heal`. New connections are accepted and stay silent. */
  blackHole: () => void
  /** Closes the server's side of every connection without telling the client. New connections work. */
  halfOpen: () => void
  /** Resets every connection. */
  reset: () => void
  /**
   * Forwards the next request that contains this text, and resets its connection instead of the reply. Resolves then.
   */
  cutBeforeReply: (text: string) => Promise<void>
  /** Ends the delay, and delivers the data that was held back. */
  heal: () => void
  /** Everything that clients have sent, as text. */
  sent: () => string
  close: () => Promise<void>
}

type Link = { client: Socket; server: Socket; cut: (() => void) | undefined }

/** Starts a proxy for a port on loopback; it accepts connections when this resolves. */
export async function startFaultProxy(serverPort: number): Promise<FaultProxy> {
  const links = new Set<Link>()
  let toPort = serverPort
  let latencyMs = 0
  let isHole = false
  let sent = ''
  let cut: { text: string; done: () => void } | undefined

  const listener = createServer((client) => {
    const link: Link = { client, server: connect(toPort, '127.0.0.1'), cut: undefined }
    links.add(link)
    const { server } = link
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true)
      // Both ends see the failure of their own connection.
      socket.on('error', () => undefined)
      socket.on('end', () => other.end())
      socket.on('close', () => {
        other.end()
        if (client.closed && server.closed) links.delete(link)
      })
      if (isHole) socket.pause()
    }
    const toServer = delayed(
      (data) => server.write(data),
      () => latencyMs,
    )
    const toClient = delayed(
      (data) => client.write(data),
      () => latencyMs,
    )
    client.on('data', (data) => {
      const text = data.toString()
      sent += text
      if (cut && text.includes(cut.text)) {
        link.cut = cut.done
        cut = undefined
      }
      toServer(data)
    })
    server.on('data', (data) => {
      if (!link.cut) return toClient(data)
      link.cut()
      resetLink(link)
    })
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  return {
    port: address.port,
    redisUrl: `redis://127.0.0.1:${address.port}`,
    target: (port) => void (toPort = port),
    latency: (ms) => void (latencyMs = ms),
    blackHole() {
      isHole = true
      for (const { client, server } of links) {
        client.pause()
        server.pause()
      }
    },
    halfOpen() {
      for (const { client, server } of links) {
        server.removeAllListeners('end').removeAllListeners('close').destroy()
        client.removeAllListeners('data').resume()
      }
    },
    reset() {
      for (const link of links) resetLink(link)
    },
    cutBeforeReply(text) {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      cut = { text, done: () => resolve(undefined) }
      return promise.then(() => undefined)
    },
    heal() {
      latencyMs = 0
      isHole = false
      for (const { client, server } of links) {
        client.resume()
        server.resume()
      }
    },
    sent: () => sent,
    async close() {
      const closed = once(listener.close(), 'close')
      for (const { client, server } of links) {
        client.destroy()
        server.destroy()
      }
      await closed
    },
  }
}

function resetLink({ client, server }: Link): void {
  client.resetAndDestroy()
  server.resetAndDestroy()
}

/** Passes data on in order, after the current latency. */
function delayed(pass: (data: Buffer | string) => void, latencyMs: () => number): (data: Buffer | string) => void {
  let waiting = 0
  let lastAtMs = 0
  return (data) => {
    const ms = latencyMs()
    if (ms === 0 && waiting === 0) return pass(data)
    const now = performance.now()
    lastAtMs = Math.max(lastAtMs, now + ms)
    waiting++
    setTimeout(() => {
      waiting--
      pass(data)
    }, lastAtMs - now)
  }
}
