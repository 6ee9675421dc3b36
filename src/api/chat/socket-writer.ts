import type { WebSocket } from '@fastify/websocket'
import type { ServerFrame } from './frames.ts'

/** A client that reads nothing for this long is disconnected; it may reconnect and resume. */
const slowConsumerMs = 10_000
/** How long a client may take to answer a close frame before its connection is cut. */
const closeWithinMs = 2_000

export type SocketWriter = {
  /** Resolves when the frame was handed to the network, or the socket is closed. A buffer is a frame that is serialised already. */
  send: (frame: ServerFrame | Buffer) => Promise<void>
  /** Answers a ping of the WebSocket protocol, in order with other frames. */
  pong: (data: Buffer) => Promise<void>
  /** Closes with a code, whether or not the client answers the close frame. */
  close: (code: number, reason: string) => void
}

/**
 * Writes one frame at a time: each waits until the network has taken the previous one. An answer is thus produced no faster than its
 * client reads, and the socket buffers at most one frame. Calls `onSlow` once and cuts the connection when the client reads nothing
 * for ten seconds.
 */
export function socketWriter(socket: WebSocket, onSlow: () => void): SocketWriter {
  let last: Promise<void> = Promise.resolve()
  const write = (send: (sent: () => void) => void): Promise<void> => {
    if (socket.readyState !== socket.OPEN) return Promise.resolve()
    return new Promise((resolve) => {
      const slow = setTimeout(() => {
        onSlow()
        socket.terminate()
        resolve()
      }, slowConsumerMs)
      send(() => {
        clearTimeout(slow)
        resolve()
      })
    })
  }
  const inTurn = (send: (sent: () => void) => void): Promise<void> => (last = last.then(() => write(send)))

  return {
    send: (frame) =>
      inTurn((sent) =>
        Buffer.isBuffer(frame) ? socket.send(frame, { binary: false }, sent) : socket.send(JSON.stringify(frame), sent),
      ),
    pong: (data) => inTurn((sent) => socket.pong(data, undefined, sent)),
    close(code, reason) {
      socket.close(code, reason)
      const cut = setTimeout(() => socket.terminate(), closeWithinMs)
      cut.unref()
      socket.once('close', () => clearTimeout(cut))
    },
  }
}
