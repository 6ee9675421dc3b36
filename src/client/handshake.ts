import { ClientError, isRefused, messageOf } from './client-error.ts'
import { ConnectionLost } from './connection-lost.ts'
import { authorization, type ServerAddress } from './server-address.ts'
import type { ChatSocket, SocketEvent } from './socket.ts'

export const chatPath = '/ws/chat'
const handshakeMs = 10_000

type Failure = Pick<SocketEvent, 'message' | 'error'>

/** Resolves when the socket is open. Throws ConnectionLost, and ClientError `unauthorized` or `no_council`. */
export async function opened(socket: ChatSocket, server: ServerAddress): Promise<void> {
  const failure = await new Promise<Failure | null>((resolve) => {
    const timer = setTimeout(() => resolve({ message: 'the handshake took too long' }), handshakeMs)
    const end = (event: Failure | null): void => {
      clearTimeout(timer)
      resolve(event)
    }
    socket.addEventListener('open', () => end(null))
    // Stays attached: `ws` throws an `error` that has no listener. `close` follows each.
    socket.addEventListener('error', end)
    socket.addEventListener('close', ({ code }) => end({ message: `closed with ${code ?? 1006}` }))
  })
  if (failure) throw await refusal(failure, server)
}

/** Why a socket did not open. `ws` tells the status of the response; other sockets tell nothing, so a plain request asks. */
async function refusal({ message = '', error }: Failure, server: ServerAddress): Promise<Error> {
  if (isRefused(error)) return new ConnectionLost(message, { refused: true })
  const [, told] = /^Unexpected server response: (\d{3})$/.exec(message) ?? []
  try {
    const status = told === undefined ? await statusOfChat(server) : Number(told)
    return refusalWith(status, message, server)
  } catch (problem) {
    return new ConnectionLost(messageOf(problem), { refused: isRefused(problem) })
  }
}

const upgradeRequired = 426

async function statusOfChat(server: ServerAddress): Promise<number> {
  const signal = AbortSignal.timeout(handshakeMs)
  const { status, body } = await fetch(`${server.url}${chatPath}`, { headers: authorization(server), signal })
  await body?.cancel()
  return status
}

function refusalWith(status: number, message: string, { shownAs }: ServerAddress): Error {
  if (status === 401) return new ClientError('unauthorized', `the council ${shownAs} does not know this token`)
  if (status === 403) return new ClientError('unauthorized', `this token may not chat with the council ${shownAs}`)
  if (status === upgradeRequired) return new ConnectionLost(message || 'no connection')
  if (status === 429 || status >= 500) return new ConnectionLost(`HTTP ${status}`)
  return new ClientError('no_council', `the server ${shownAs} is not a council (HTTP ${status})`)
}
