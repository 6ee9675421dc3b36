import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export type Connections = {
  /**
   * Stops accepting connections and closes idle ones at once. Cuts all others after `graceMs`, so that no client delays the end of
   * the process.
   */
  close: (closeServer: () => Promise<unknown>, graceMs: number) => Promise<void>
}

/** Tracks every connection to a server, including upgraded ones and those on which the client has sent nothing. */
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
