import type { WebSocket } from '@fastify/websocket'
import type { ServerFrame } from './frames.ts'

/** A reader that takes nothing for so long is slow; its answer is safe, and it may come back and resume. */
const slowConsumerMs = 10_000

export type SendFrame = (frame: ServerFrame) => Promise<void>

/**
 * Sends frames one by one; each resolves when it has left for the network, so that an answer is read no faster than its
 * reader takes it, and nothing piles up here. A slow reader is disconnected with 1013.
 */
export const frameSender =
  (socket: WebSocket, onSlow: () => void): SendFrame =>
  (frame) => {
    if (socket.readyState !== socket.OPEN) return Promise.resolve()
    return new Promise((resolve) => {
      const slow = setTimeout(() => {
        onSlow()
        socket.terminate()
        resolve()
      }, slowConsumerMs)
      socket.send(JSON.stringify(frame), () => {
        clearTimeout(slow)
        resolve()
      })
    })
  }
