import { setTimeout as pause } from 'node:timers/promises'
import type { WebSocket } from '@fastify/websocket'

/** Frames that wait for their turn before the socket is read no further. */
const pauseAt = 8
const resumeBelow = 4
/**
 * What one read of a socket may bring at most: 64 KiB are more frames than this only where they say nothing. An honest client that
 * comes back and resumes all its answers sends a few hundred.
 */
const maxWaiting = 1_000

/** A message, or a ping of the WebSocket protocol itself. */
export type IncomingFrame = { kind: 'text' | 'binary' | 'ping'; data: Buffer }

export type FrameIntake = {
  /** Handles one frame; the next one waits for it. Must not reject. */
  handle: (frame: IncomingFrame) => Promise<void>
  /** Milliseconds until the next frame may be handled, for which a place is taken. */
  delayMs: () => number
  /** More came at once than any client has reason to send. Called once; nothing is handled after it. */
  onFlood: () => void
  /** This socket sends faster than the limit of its subject. Called once. */
  onPaced: () => void
}

/**
 * Takes the frames of a socket strictly one at a time and reads the socket no faster than they are handled, so that a client which
 * sends without end, or never reads its replies, is held back by its own connection and costs neither memory nor time of others.
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
        // One that sends a frame now and then waits because of others of its subject.
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
