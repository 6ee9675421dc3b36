import type { WebSocket } from '@fastify/websocket'
import type { ServerFrame } from './frames.ts'

/** A reader that takes nothing for so long is slow; its answer is safe, and it may come back and resume. */
const slowConsumerMs = 10_000
/** A client that was told to go has so long to read why; then its connection is cut. */
const closeWithinMs = 2_000

export type SocketWriter = {
  /** Resolves when the frame has left for the network, or the socket is closed. */
  send: (frame: ServerFrame) => Promise<void>
  /** Answers a ping of the WebSocket protocol, in its turn among the frames. */
  pong: (data: Buffer) => Promise<void>
  /** Closes with a code, whether or not the client answers that. */
  close: (code: number, reason: string) => void
}

/**
 * Writes to a socket one frame at a time: the next one leaves when the one before has left for the network. So an answer is read no
 * faster than its reader takes it, and at most one frame lies in the socket's buffer. `onSlow` is called once, for a reader that took
 * nothing for ten seconds; its connection is cut.
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
    send: (frame) => inTurn((sent) => socket.send(JSON.stringify(frame), sent)),
    pong: (data) => inTurn((sent) => socket.pong(data, undefined, sent)),
    close(code, reason) {
      socket.close(code, reason)
      const cut = setTimeout(() => socket.terminate(), closeWithinMs)
      cut.unref()
      socket.once('close', () => clearTimeout(cut))
    },
  }
}
