import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export type Connections = {
  /**
   * Closes a server: it accepts nothing any more and closes idle connections at once. Every other one, whatever it has sent or not,
   * is cut after `graceMs`: a client must not hold up the end of the process.
   */
  close: (closeServer: () => Promise<unknown>, graceMs: number) => Promise<void>
}

/** Knows every connection to a server from its first moment on: upgraded ones too, and those on which nothing was ever sent. */
export function trackConnections(server: Server): Connections {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    async close(closeServer, graceMs) {
      const cut = setTimeout(() => {
        for (const socket of open) socket.destroy()
      }, graceMs)
      await closeServer()
      clearTimeout(cut)
    },
  }
}
