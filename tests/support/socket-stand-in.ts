import { WebSocket } from 'ws'

/** The server's end of a WebSocket, in memory: `sent` has what was written, and `flush` lets the oldest write leave. */
export function socketStandIn() {
  const unflushed: (() => void)[] = []
  const sent: string[] = []
  const calls: string[] = []
  const state: { readyState: number; isPaused: boolean } = { readyState: WebSocket.OPEN, isPaused: false }
  const write = (data: string | Buffer, done: () => void) => {
    sent.push(String(data))
    unflushed.push(done)
  }
  const socket = Object.create(WebSocket.prototype) as WebSocket
  Object.defineProperties(socket, {
    readyState: { get: () => state.readyState },
    isPaused: { get: () => state.isPaused },
    pause: { value: () => void (state.isPaused = true) },
    resume: { value: () => void (state.isPaused = false) },
    send: { value: write },
    pong: { value: (data: Buffer, _mask: unknown, done: () => void) => write(data, done) },
    close: { value: (code: number) => void calls.push(`close ${code}`) },
    terminate: { value: () => void calls.push('terminate') },
  })
  return { socket, state, sent, calls, flush: () => unflushed.shift()?.() }
}
