import { EventEmitter } from 'node:events'
import { WebSocket } from 'ws'

/** The server's end of a WebSocket, in memory: `sent` has what was written, and `flush` lets the oldest write leave. */
export function socketStandIn() {
  const unflushed: (() => void)[] = []
  const sent: string[] = []
  const calls: string[] = []
  const write = (data: string | Buffer, done: () => void) => {
    sent.push(String(data))
    unflushed.push(done)
  }
  const socket = Object.assign(new EventEmitter(), {
    OPEN: WebSocket.OPEN,
    readyState: WebSocket.OPEN as number,
    isPaused: false,
    pause: () => void (socket.isPaused = true),
    resume: () => void (socket.isPaused = false),
    send: write,
    pong: (data: Buffer, _mask: unknown, done: () => void) => write(data, done),
    close: (code: number) => void calls.push(`close ${code}`),
    terminate: () => void calls.push('terminate'),
  })
  return { socket: socket as unknown as WebSocket, events: socket, sent, calls, flush: () => unflushed.shift()?.() }
}
