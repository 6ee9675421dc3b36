import { setTimeout as pause } from 'node:timers/promises'
import type { WebSocket } from '@fastify/websocket'

/** The intake pauses the socket at this many waiting frames. */
const pauseAt = 8
const resumeBelow = 4
/**
 * One read of a socket (64 KiB) holds more frames than this only when they are nearly empty. A well-behaved client that reconnects and
 * resumes all its answers sends a few hundred.
 */
const maxWaiting = 1_000

/** A message, or a ping of the WebSocket protocol. */
export type IncomingFrame = { kind: 'text' | 'binary' | 'ping'; data: Buffer }

export type FrameIntake = {
  /** Handles one frame; the next frame waits for it. Must not reject. */
  handle: (frame: IncomingFrame) => Promise<void>
  /** Schedules the next frame; returns its delay in milliseconds. */
  delayMs: () => number
  /** Called once, when more frames wait than a well-behaved client sends; the intake handles none after it. */
  onFlood: () => void
  /** Called once, when this socket exceeds the rate limit of its subject. */
  onPaced: () => void
}

/**
 * Handles the frames of a socket strictly one at a time and reads the socket no faster than that. Backpressure thus slows down a client
 * that sends without end or never reads its replies, at no cost in memory or time to others.
 */
export function takeFrames(socket: WebSocket, { handle, delayMs, onFlood, onPaced }: FrameIntake): void {
  const waiting: IncomingFrame[] = []
  let handling = false
  let flooded = false
  let paced = false
  const isOpen = (): boolean => socket.readyState === socket.OPEN && !flooded

  async function handleAll(): Promise<void> {
    handling = true
    for (let frame = waiting.shift(); frame && isOpen(); frame = waiting.shift()) {
      const waitMs = delayMs()
      if (waitMs > 0) {
        // A socket with few waiting frames is delayed by other sockets of its subject.
        if (!paced && waiting.length >= resumeBelow) {
          paced = true
          onPaced()
        }
        await pause(waitMs, undefined, { ref: false })
      }
      if (isOpen()) await handle(frame)
      if (socket.isPaused && waiting.length < resumeBelow && isOpen()) socket.resume()
    }
    handling = false
  }

  const take = (frame: IncomingFrame): void => {
    if (!isOpen()) return
    if (waiting.length >= maxWaiting) {
      flooded = true
      waiting.length = 0
      return onFlood()
    }
    waiting.push(frame)
    if (waiting.length >= pauseAt && !socket.isPaused) socket.pause()
    if (!handling) void handleAll()
  }
  socket.on('message', (data: Buffer, isBinary) => take({ kind: isBinary ? 'binary' : 'text', data }))
  socket.on('ping', (data: Buffer) => take({ kind: 'ping', data }))
}
