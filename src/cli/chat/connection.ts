import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { chatProtocol, type ClientFrame } from '../../api/chat/frames.ts'
import { parseServerFrame, type ReceivedFrame } from './received-frames.ts'
import { CliError } from '../failure.ts'
import type { ChatServer } from './find-server.ts'

/** A lost connection; the answer continues without it. `refused`: no server listens there. */
export class ConnectionLost extends Error {
  readonly refused: boolean

  constructor(why: string, { refused = false } = {}) {
    super(why)
    this.name = 'ConnectionLost'
    this.refused = refused
  }
}

export type ChatConnection = {
  send: (frame: ClientFrame) => void
  /** Everything the server sends, in order. Never ends: throws ConnectionLost, or CliError when reconnecting cannot help. */
  frames: AsyncGenerator<ReceivedFrame>
  close: () => void
}

const handshakeTimeoutMs = 10_000
const pingEveryMs = 15_000
const goodbyeMs = 1_000
/** The longest answer, with room for its JSON. */
const maxFrameBytes = 16 * 1024 * 1024
/** Close codes after which reconnecting cannot help (docs/protocol.md). */
const finalCloses: Record<number, string> = {
  1008: 'the server does not accept this client',
  1009: 'the question is too long',
  4001: 'this token was revoked',
  4003: 'this token may not chat',
  4029: 'too many requests',
}

/** Opens a WebSocket; resolves when frames can be sent. Throws ConnectionLost and CliError `unauthorized` or `no_council`. */
export async function openConnection(server: ChatServer): Promise<ChatConnection> {
  const socket = new WebSocket(server.url, chatProtocol, {
    headers: { authorization: `Bearer ${server.token}` },
    handshakeTimeout: handshakeTimeoutMs,
    maxPayload: maxFrameBytes,
  })
  // Attached before awaiting anything, since frames that arrive earlier would be lost.
  const frames = framesOf(socket)
  const stopHeartbeat = startHeartbeat(socket)
  await opened(socket, server)
  return {
    send: (frame) => socket.send(JSON.stringify(frame), () => undefined),
    frames,
    close() {
      stopHeartbeat()
      socket.close(1000)
      // A server that does not answer the close frame must not delay the process.
      setTimeout(() => socket.terminate(), goodbyeMs).unref()
    },
  }
}

/** Yields the frames of a socket from now on; throws when it closes. */
function framesOf(socket: WebSocket): AsyncGenerator<ReceivedFrame> {
  const inbox: (ReceivedFrame | Error)[] = []
  let wake: (() => void) | undefined
  const put = (item: ReceivedFrame | Error) => {
    inbox.push(item)
    wake?.()
  }
  socket.on('message', (data, isBinary) => {
    try {
      put(parseServerFrame(isBinary ? '' : messageText(data)))
    } catch (error) {
      put(error instanceof Error ? error : new Error(String(error)))
    }
  })
  socket.on('close', (code, reason) => put(endedWith(code, String(reason))))

  return (async function* () {
    for (;;) {
      const next = inbox.shift()
      if (next instanceof Error) throw next
      if (next) yield next
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  })()
}

/** Ends a connection whose peer has vanished; TCP alone would take minutes. Stops with the connection. */
function startHeartbeat(socket: WebSocket): () => void {
  let alive = true
  const timer = setInterval(() => {
    if (!alive) return socket.terminate()
    alive = false
    if (socket.readyState === WebSocket.OPEN) socket.ping()
  }, pingEveryMs)
  const stop = () => clearInterval(timer)
  socket.on('pong', () => void (alive = true)).on('close', stop)
  return stop
}

function opened(socket: WebSocket, { shownAs }: ChatServer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve)
    // Stays attached, since an unhandled `error` event would crash the process. `close` follows each.
    socket.on('error', (error) => {
      const refused = 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND')
      reject(new ConnectionLost(error.message || 'no connection', { refused }))
    })
    socket.once('unexpected-response', (_request, response) => {
      reject(refusal(response, shownAs))
      response.destroy()
      socket.terminate()
    })
  })
}

function endedWith(code: number, reason: string): Error {
  const final = finalCloses[code]
  if (!final) return new ConnectionLost(`closed with ${code}`)
  return new CliError(
    code === 4001 || code === 4003 ? 'unauthorized' : 'connection_lost',
    `${final} (${code} ${reason})`,
  )
}

/** Maps a response that did not upgrade the connection to an error. */
function refusal({ statusCode = 0 }: IncomingMessage, shownAs: string): Error {
  if (statusCode === 401) return new CliError('unauthorized', `the council ${shownAs} does not know this token`)
  if (statusCode === 403) return new CliError('unauthorized', `this token may not chat with the council ${shownAs}`)
  if (statusCode === 429 || statusCode >= 500) return new ConnectionLost(`HTTP ${statusCode}`)
  return new CliError('no_council', `the server ${shownAs} is not a council (HTTP ${statusCode})`)
}

const messageText = (data: Buffer | ArrayBuffer | Buffer[]): string =>
  Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as Buffer).toString()
