import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { ServerFrame } from '../../src/api/chat/frames.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { newId } from './council.ts'
import { adminToken } from './served-council.ts'

type FrameOf<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>

/** A client of `/ws/chat` that remembers every frame and checks each against the protocol. */
export type ChatClient = {
  send: (frame: unknown) => void
  sendRaw: (data: string | Buffer) => void
  /** Sends a prompt; returns its request id, which is new by default. */
  ask: (fields?: { requestId?: Uuid7; text?: string; conversationId?: string | undefined; path?: string }) => Uuid7
  frames: readonly ServerFrame[]
  /** Resolves with the `count`-th frame of a type on this connection; rejects when the socket closes first. */
  frame: <T extends ServerFrame['type']>(type: T, count?: number) => Promise<FrameOf<T>>
  /** All text of `token` frames so far. */
  text: () => string
  closed: Promise<{ code: number }>
  close: () => void
}

/** Connects to a council; the test closes the connection when it ends. */
export async function connectChat(
  url: string,
  headers: Record<string, string> = { authorization: `Bearer ${adminToken}` },
): Promise<ChatClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat`, ['council.v1'], { headers })
  const frames: ServerFrame[] = []
  const waiting = new Set<() => void>()
  let isClosed = false
  socket.on('message', (data: Buffer) => {
    frames.push(ServerFrame.parse(JSON.parse(data.toString('utf8'))))
    for (const look of [...waiting]) look()
  })
  const closed = new Promise<{ code: number }>((resolve) =>
    socket.on('close', (code) => {
      isClosed = true
      for (const look of [...waiting]) look()
      resolve({ code })
    }),
  )
  await once(socket, 'open')
  onTestFinished(async () => {
    socket.close()
    await closed
  })

  const send = (frame: unknown) => socket.send(JSON.stringify(frame))
  return {
    send,
    sendRaw: (data) => socket.send(data),
    ask({ requestId = newId(), text = 'What is the capital of France?', ...more } = {}) {
      send({ type: 'prompt', requestId, text, ...more })
      return requestId
    },
    frames,
    frame: <T extends ServerFrame['type']>(type: T, count = 1) =>
      new Promise<FrameOf<T>>((resolve, reject) => {
        const look = (): void => {
          const found = frames.filter((frame): frame is FrameOf<T> => frame.type === type)[count - 1]
          if (!found && !isClosed) return void waiting.add(look)
          waiting.delete(look)
          if (found) resolve(found)
          else reject(new Error(`the socket closed before ${type} no. ${count}; got ${JSON.stringify(frames)}`))
        }
        look()
      }),
    text: () => frames.map((frame) => (frame.type === 'token' ? frame.text : '')).join(''),
    closed,
    close: () => socket.close(),
  }
}
