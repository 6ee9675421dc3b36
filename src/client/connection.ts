import type { ClientFrame } from '../api/chat/frames.ts'
import { chatPath, opened } from './handshake.ts'
import { receive, startHeartbeat } from './inbox.ts'
import { authorization, type ServerAddress } from './server-address.ts'
import type { ReceivedFrame } from './server-frame.ts'
import { isOpen, type OpenSocket } from './socket.ts'

export type Connection = {
  /** Sends a frame; a connection that is lost drops it. */
  send: (frame: ClientFrame) => void
  /** Everything the server sends, in order. Never ends: throws ConnectionLost, or ClientError when reconnecting cannot help. */
  frames: AsyncGenerator<ReceivedFrame>
  close: () => void
}

const chatProtocol = 'council.v1'
const goodbyeMs = 1_000

/** Opens a WebSocket; resolves when frames can be sent. Throws ConnectionLost and ClientError `unauthorized` or `no_council`. */
export async function openConnection(server: ServerAddress, openSocket: OpenSocket): Promise<Connection> {
  const socket = openSocket(`${server.url.replace(/^http/, 'ws')}${chatPath}`, chatProtocol, authorization(server))
  // Attached before awaiting anything, since frames that arrive earlier would be lost.
  const inbox = receive(socket)
  const close = (): void => {
    stopHeartbeat()
    socket.close(1000)
    // A server that does not answer the close frame must not delay the process.
    unref(setTimeout(() => socket.terminate?.(), goodbyeMs))
  }
  const stopHeartbeat = startHeartbeat(socket, inbox)
  try {
    await opened(socket, server)
  } catch (error) {
    close()
    throw error
  }
  return {
    send(frame) {
      if (socket.readyState !== isOpen) return
      if (frame.type === 'ping') inbox.expectPong('caller')
      socket.send(JSON.stringify(frame))
    },
    frames: inbox.frames(),
    close,
  }
}

/** In Node, lets the process end before the timer. */
function unref(timer: object | number): void {
  if (typeof timer === 'object') (timer as { unref?: () => void }).unref?.()
}
