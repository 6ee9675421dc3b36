import { ClientError, messageOf } from './client-error.ts'
import { ConnectionLost } from './connection-lost.ts'
import { malformed, parseServerFrame, type ReceivedFrame } from './server-frame.ts'
import { isOpen, type ChatSocket } from './socket.ts'

const pingEveryMs = 15_000
/** UTF-16 code units. The longest answer, with room for its JSON. */
const maxFrameLength = 16 * 1024 * 1024
/** Close codes after which reconnecting cannot help (docs/protocol.md). */
const finalCloses: Record<number, string> = {
  1008: 'the server does not accept this client',
  1009: 'the question is too long',
  4001: 'this token was revoked',
  4003: 'this token may not chat',
  4029: 'too many requests',
}

export type Inbox = {
  frames: () => AsyncGenerator<ReceivedFrame>
  /** Ends the frames with an error. */
  end: (error: Error) => void
  /** Whether anything came since the last call. */
  hasNews: () => boolean
  /** Pongs come in the order of the pings; only those to the caller's are frames. */
  expectPong: (to: 'caller' | 'heartbeat') => void
}

/** Collects the frames of a socket from now on. */
export function receive(socket: ChatSocket): Inbox {
  const waiting: (ReceivedFrame | Error)[] = []
  let wake: (() => void) | undefined
  let hasNews = false
  const pings: ('caller' | 'heartbeat')[] = []
  const put = (item: ReceivedFrame | Error): void => {
    waiting.push(item)
    wake?.()
  }
  socket.addEventListener('message', ({ data }) => {
    hasNews = true
    const received = parsed(data)
    const isPong = !(received instanceof Error) && received.frame?.type === 'pong'
    if (!isPong || pings.shift() !== 'heartbeat') put(received)
  })
  socket.addEventListener('error', ({ error }) => {
    if (isBrokenFrame(error)) put(malformed(messageOf(error)))
  })
  socket.addEventListener('close', ({ code = 1006, reason = '' }) => put(endedWith(code, reason)))

  return {
    async *frames() {
      for (;;) {
        const next = waiting.shift()
        if (next instanceof Error) throw next
        if (next) yield next
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    end: put,
    expectPong: (to) => void pings.push(to),
    hasNews() {
      const had = hasNews
      hasNews = false
      return had
    },
  }
}

function parsed(data: unknown): ReceivedFrame | Error {
  if (typeof data !== 'string') return malformed('it is binary')
  if (data.length > maxFrameLength) return malformed('it is larger than the longest answer')
  try {
    return parseServerFrame(data)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** `ws` refuses messages that are too large or break the WebSocket protocol; the same would come again. */
const isBrokenFrame = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('WS_ERR_')

/** Ends a connection whose peer has vanished; TCP alone would take minutes. Returns a function that stops it. */
export function startHeartbeat(socket: ChatSocket, inbox: Inbox): () => void {
  let isWaiting = false
  const timer = setInterval(() => {
    if (isWaiting && !inbox.hasNews()) {
      inbox.end(new ConnectionLost('the server is silent'))
      stop()
      return socket.terminate?.()
    }
    if (socket.readyState !== isOpen) return
    isWaiting = true
    inbox.expectPong('heartbeat')
    socket.send('{"type":"ping"}')
  }, pingEveryMs)
  const stop = (): void => clearInterval(timer)
  socket.addEventListener('close', stop)
  return stop
}

function endedWith(code: number, reason: string): Error {
  const final = finalCloses[code]
  if (!final) return new ConnectionLost(`closed with ${code}`)
  return new ClientError(
    code === 4001 || code === 4003 ? 'unauthorized' : 'connection_lost',
    `${final} (${code} ${reason})`,
  )
}
