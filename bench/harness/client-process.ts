import { setTimeout as pause } from 'node:timers/promises'
import { once } from 'node:events'
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import { WebSocket } from 'ws'
import { answerClients, type AnswerClients, type Asked, type Observed, type Outcome } from './answer-clients.ts'
import { councilSource, directSource, openAiSource, type AnswerSource, type DirectModel } from './answer-sources.ts'
import { newHistogram } from './closed-loop.ts'
import { answerRequests } from './measured-process.ts'
import { nowMicros } from './numbered-answer.ts'
import { plainAnswers, type PlainAnswers } from './plain-answers.ts'

/** What answers: the council over its socket or over its OpenAI-compatible route, or the model server directly. */
export type Answering = { council: string; token: string; over?: 'openai' } | { direct: DirectModel }

/** The clients, in a process of their own. */
export type ClientRequest =
  | { do: 'ask'; of: Answering; asked: Asked }
  | { do: 'grow'; to: number; overMs: number }
  | { do: 'observe'; ms: number }
  | { do: 'finish' }
  | { do: 'read'; of: Answering; questions: string[]; atOnce: number }
  | { do: 'echo'; url: string; sockets: number; perSecond: number; ms: number; frame: string }

export type ClientReply = { observed?: Observed; outcome?: Outcome; read?: PlainAnswers; echoes?: string }

let clients: AnswerClients | undefined
const asking = (): AnswerClients => {
  if (!clients) throw new Error('nothing is asked yet')
  return clients
}

answerRequests<ClientReply>(
  async (request: ClientRequest) => {
    switch (request.do) {
      case 'ask': {
        const { of, asked } = request
        clients = answerClients(openerOf(of), asked)
        return {}
      }
      case 'grow':
        await asking().grow(request.to, request.overMs)
        return {}
      case 'observe':
        return { observed: await asking().observe(request.ms) }
      case 'finish':
        return { outcome: await asking().finish() }
      case 'read':
        return { read: await plainAnswers(openerOf(request.of), request.questions, request.atOnce) }
      case 'echo':
        return { echoes: await echoes(request) }
      default:
        return request satisfies never
    }
  },
  () => undefined,
)

function openerOf(of: Answering): () => Promise<AnswerSource> {
  if ('direct' in of) return () => Promise.resolve(directSource(of.direct))
  const { council, token } = of
  return of.over === 'openai'
    ? () => Promise.resolve(openAiSource(council, token))
    : () => councilSource(council, token)
}

/** Sends the same frame at a rate on each socket, and measures the time until it comes back. A histogram of microseconds. */
async function echoes({ url, sockets, perSecond, ms, frame }: Extract<ClientRequest, { do: 'echo' }>): Promise<string> {
  const histogram = newHistogram()
  const endAt = performance.now() + ms
  const run = async (client: number): Promise<void> => {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    await once(socket, 'open')
    const sentAt: number[] = []
    socket.on('message', () => histogram.recordValue(Math.max(1, nowMicros() - (sentAt.shift() ?? 0))))
    const startedAt = performance.now() + (client * 1000) / perSecond / sockets
    for (let sent = 0; performance.now() < endAt; sent++) {
      await pause(Math.max(0, startedAt + (sent * 1000) / perSecond - performance.now()))
      sentAt.push(nowMicros())
      socket.send(frame)
    }
    while (sentAt.length > 0) await once(socket, 'message')
    socket.close()
    await once(socket, 'close')
  }
  await Promise.all(Array.from({ length: sockets }, (_, client) => run(client)))
  return encodeIntoCompressedBase64(histogram)
}
