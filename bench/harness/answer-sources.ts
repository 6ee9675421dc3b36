import { once } from 'node:events'
import { createParser } from 'eventsource-parser'
import { Agent, request } from 'undici'
import { WebSocket } from 'ws'
import { conversationMessages } from '../../src/agents/council/prompts.ts'

/** Takes a piece of an answer at the moment it arrives. `requestId`: only of the council. */
export type OnText = (text: string, requestId: string) => void

/** A client that asks one question at a time. `ask` resolves with the whole text of the answer, and throws if the answer fails. */
export type AnswerSource = { ask: (prompt: string, onText: OnText) => Promise<string>; close: () => Promise<void> }

type Frame = { type: string; requestId?: string; text?: string; code?: string; message?: string }

/** A client with a WebSocket of its own to the council, on the fast path. */
export async function councilSource(url: string, token: string): Promise<AnswerSource> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat`, ['council.v1'], {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
  let onFrame: (frame: Frame) => void = () => undefined
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => undefined)
  socket.on('message', (data: Buffer) => onFrame(JSON.parse(data.toString('utf8')) as Frame))
  socket.on('close', (code) => gone.reject(new Error(`the socket was closed with ${code}`)))
  socket.on('error', (error) => gone.reject(error))
  await Promise.race([once(socket, 'open'), gone.promise])
  return {
    ask(prompt, onText) {
      const ended = Promise.withResolvers<string>()
      onFrame = ({ type, requestId = '', text = '', code, message }) => {
        if (type === 'token') onText(text, requestId)
        else if (type === 'completed') ended.resolve(text)
        else if (type === 'failed' || type === 'error' || type === 'cancelled')
          ended.reject(new Error(`${type} ${code ?? ''}: ${message ?? ''}`))
      }
      socket.send(JSON.stringify({ type: 'prompt', text: prompt, path: 'fast' }))
      return Promise.race([ended.promise, gone.promise])
    },
    async close() {
      if (socket.readyState === socket.CLOSED) return
      socket.close()
      await gone.promise.catch(() => undefined)
    },
  }
}

type Chunk = { choices?: { delta?: { content?: string | null } }[]; error?: unknown }

/** A model server, the persona of the council's fast path, and the length that the council asks for. */
export type DirectModel = { url: string; model: string; persona: string; maxTokens: number }

/** A client that reads the model server directly, with the request that the council sends on the fast path. */
export const directSource = ({ url, model, persona, maxTokens }: DirectModel): AnswerSource =>
  eventSource(url, {}, (prompt) => ({
    model,
    messages: conversationMessages(persona, prompt, []),
    max_tokens: maxTokens,
    temperature: 0,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  }))

/** A client of the council's OpenAI-compatible route, on the fast path. */
export const openAiSource = (url: string, token: string): AnswerSource =>
  eventSource(url, { authorization: `Bearer ${token}` }, (content) => ({
    model: 'council-fast',
    messages: [{ role: 'user', content }],
  }))

/** A client that asks for chat completions as server-sent events, over a connection of its own. */
function eventSource(url: string, headers: Record<string, string>, bodyOf: (prompt: string) => object): AnswerSource {
  const agent = new Agent({ connections: 1, bodyTimeout: 0, headersTimeout: 0 })
  return {
    async ask(prompt, onText) {
      const { statusCode, body } = await request(`${url}/v1/chat/completions`, {
        dispatcher: agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ ...bodyOf(prompt), stream: true }),
      })
      if (statusCode !== 200) throw new Error(`${url} answered with ${statusCode}: ${await body.text()}`)
      let whole = ''
      let isDone = false
      const parser = createParser({
        onEvent({ data }) {
          if (data === '[DONE]') return void (isDone = true)
          const text = (JSON.parse(data) as Chunk).choices?.[0]?.delta?.content ?? ''
          whole += text
          if (text !== '') onText(text, '')
        },
      })
      const decoder = new TextDecoder()
      for await (const bytes of body) parser.feed(decoder.decode(bytes as Uint8Array, { stream: true }))
      if (!isDone) throw new Error(`${url} broke off`)
      return whole
    },
    close: () => agent.close(),
  }
}
