import { once } from 'node:events'
import { WebSocket } from 'ws'
import { answerRequests } from './measured-process.ts'

/** Clients that hold sockets open and ask nothing, in a process of their own. `check` asks each socket for a `pong` frame. */
export type IdleRequest =
  { do: 'open'; url: string; token: string; sockets: number } | { do: 'check' } | { do: 'close' }

/** `open`: the sockets that are open, or that answered a check. */
export type IdleReply = { open: number }

const atOnce = 50
const sockets: WebSocket[] = []

answerRequests<IdleReply>(
  async (request: IdleRequest) => {
    switch (request.do) {
      case 'open': {
        let left = request.sockets
        const openSome = async (): Promise<void> => {
          while (left-- > 0) sockets.push(await open(request.url, request.token))
        }
        await Promise.all(Array.from({ length: atOnce }, openSome))
        return { open: opened().length }
      }
      case 'check':
        return { open: (await Promise.all(opened().map(answers))).filter(Boolean).length }
      case 'close':
        for (const socket of opened()) socket.terminate()
        sockets.length = 0
        return { open: 0 }
      default:
        return request satisfies never
    }
  },
  () => undefined,
)

const opened = (): WebSocket[] => sockets.filter(({ readyState, OPEN }) => readyState === OPEN)

async function open(url: string, token: string): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${token}` }
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat`, ['council.v1'], {
    headers,
    perMessageDeflate: false,
  })
  await once(socket, 'open')
  return socket
}

/** Whether the server answers on this socket. */
async function answers(socket: WebSocket): Promise<boolean> {
  const answered = new Promise<boolean>((resolve) => {
    socket.once('message', (data: Buffer) =>
      resolve((JSON.parse(data.toString('utf8')) as { type: string }).type === 'pong'),
    )
    socket.once('close', () => resolve(false))
  })
  socket.send('{"type":"ping"}')
  return answered
}
