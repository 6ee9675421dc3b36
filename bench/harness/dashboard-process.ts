import { once } from 'node:events'
import { WebSocket } from 'ws'
import { answerRequests } from './measured-process.ts'

/** Open dashboards, in a process of their own: each has a socket and follows the topics of its page. */
export type DashboardRequest =
  { do: 'open'; url: string; tokens: string[]; dashboards: number } | { do: 'count' } | { do: 'close' }

/** Since the last request. `silent`: dashboards that got nothing. */
export type DashboardReply = { changes: number; bytes: number; errors: string[]; silent: number }

/** The topics of the shell, and of each page: web/ has them. */
const shell = ['budgets?limit=200', 'mode?limit=1', 'approvals?status=waiting']
const chat = ['chats?asker=me&limit=1']
const today = new Date().toISOString().slice(0, 10)
const money = ['treasury/accounts?limit=1000', `costs?groupBy=hour%2Cmember&from=${today}&limit=1000`]
const council = ['members', 'elections?limit=100']
/** Three of five people look at the chat. */
const pages = [chat, chat, chat, money, council]

type Dashboard = { socket: WebSocket; changes: number; bytes: number }
const dashboards: Dashboard[] = []
let errors: string[] = []
const atOnce = 50

answerRequests<DashboardReply>(
  async (request: DashboardRequest) => {
    switch (request.do) {
      case 'open': {
        let next = 0
        const openSome = async (): Promise<void> => {
          for (let own = next++; own < request.dashboards; own = next++)
            dashboards.push(await open(request.url, request.tokens[own % request.tokens.length] ?? '', own))
        }
        await Promise.all(Array.from({ length: atOnce }, openSome))
        return counted()
      }
      case 'count':
        return counted()
      case 'close': {
        const closed = Promise.all(dashboards.map(({ socket }) => once(socket, 'close')))
        for (const { socket } of dashboards) socket.close()
        await closed
        dashboards.length = 0
        return counted()
      }
      default:
        return request satisfies never
    }
  },
  () => undefined,
)

function counted(): DashboardReply {
  const sum = (figure: 'changes' | 'bytes'): number => dashboards.reduce((all, one) => all + one[figure], 0)
  const silent = dashboards.filter(({ changes }) => changes === 0).length
  const reply = { changes: sum('changes'), bytes: sum('bytes'), errors, silent }
  errors = []
  for (const one of dashboards) Object.assign(one, { changes: 0, bytes: 0 })
  return reply
}

/** Opens a dashboard; resolves when it has the first value of each topic. */
async function open(url: string, token: string, own: number): Promise<Dashboard> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat`, ['council.v1'], {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
  const dashboard: Dashboard = { socket, changes: 0, bytes: 0 }
  const topics = [...shell, ...(pages[own % pages.length] ?? [])]
  const filled = Promise.withResolvers<undefined>()
  let isClosing = false
  socket.on('message', (data: Buffer) => {
    if (data.subarray(0, 15).toString() !== '{"type":"change') return void errors.push(data.toString('utf8'))
    dashboard.changes += 1
    dashboard.bytes += data.length
    if (dashboard.changes === topics.length) filled.resolve(undefined)
  })
  socket.on('close', (code) => {
    isClosing ||= code === 1005 || code === 1000
    if (!isClosing) errors.push(`a socket was closed with ${code}`)
  })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'subscribe', topics }))
  await filled.promise
  return dashboard
}
