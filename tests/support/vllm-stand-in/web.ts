import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { countPrompt, tokenize } from './tokens.ts'
import type { Served } from './validate.ts'

/** All endpoints of the stand-in except chat. */
export type Pages = { served: Served; running: number; health: number }

const posts = ['/v1/chat/completions', '/tokenize']
const gets = ['/health', '/ping', '/version', '/load', '/metrics', '/v1/models']

const TokenizeBody = z.looseObject({
  prompt: z.string().optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string() })).optional(),
  continue_final_message: z.boolean().default(false),
  return_token_strs: z.boolean().nullish(),
})

export function pageOf(
  route: string,
  path: string,
  raw: string,
  response: ServerResponse,
  { served, running, health }: Pages,
): void {
  switch (route) {
    case 'GET /health':
    case 'GET /ping':
      response.writeHead(health, { 'content-length': '0' }).end()
      return
    case 'GET /version':
      sendJson(response, 200, { version: '0.32.0' })
      return
    case 'GET /load':
      sendJson(response, 200, { server_load: running })
      return
    case 'GET /metrics':
      response
        .writeHead(200, { 'content-type': 'text/plain; version=1.0.0; charset=utf-8' })
        .end(metrics(served.model, running))
      return
    case 'GET /v1/models':
      sendJson(response, 200, { object: 'list', data: [card(served)] })
      return
    case 'POST /tokenize':
      sendJson(response, 200, tokenized(TokenizeBody.parse(JSON.parse(raw)), served.maxModelLen))
      return
    default:
      if ([...posts, ...gets].includes(path)) sendJson(response, 405, { detail: 'Method Not Allowed' })
      else sendJson(response, 404, { detail: 'Not Found' })
  }
}

function card({ model, maxModelLen }: Served): object {
  const created = Math.floor(Date.now() / 1000)
  const permission = {
    id: 'modelperm-0000000000000000',
    object: 'model_permission',
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: '*',
    group: null,
    is_blocking: false,
  }
  return {
    id: model,
    object: 'model',
    created,
    owned_by: 'vllm',
    root: `/models/${model}`,
    parent: null,
    max_model_len: maxModelLen,
    permission: [permission],
  }
}

function tokenized(body: z.infer<typeof TokenizeBody>, maxModelLen: number): object {
  const strings = tokenize(body.prompt ?? '')
  const count = body.messages ? countPrompt(body.messages, body.continue_final_message) : strings.length
  return {
    count,
    max_model_len: maxModelLen,
    tokens: Array.from({ length: count }, (_, index) => index + 1),
    token_strs: body.return_token_strs ? strings.map((text) => text.replace(/^ /, 'Ġ')) : null,
  }
}

const metrics = (model: string, running: number): string =>
  [
    '# HELP vllm:num_requests_running Number of requests in model execution batches.',
    '# TYPE vllm:num_requests_running gauge',
    `vllm:num_requests_running{engine="0",model_name="${model}"} ${running.toFixed(1)}`,
    '# HELP vllm:num_requests_waiting Number of requests waiting to be processed.',
    '# TYPE vllm:num_requests_waiting gauge',
    `vllm:num_requests_waiting{engine="0",model_name="${model}"} 0.0`,
    '',
  ].join('\n')

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.byteLength }).end(bytes)
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(z.instanceof(Buffer).parse(piece))
  return Buffer.concat(pieces).toString('utf8')
}
