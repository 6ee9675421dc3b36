import OpenAI from 'openai'
import { request } from 'undici'
import { adminToken } from './served-council.ts'

type Served = { url: string }

/** OpenAI's own client of a council. It sends a request again by itself only where the test lets it. */
export const openAiClient = (council: Served, options: Partial<ConstructorParameters<typeof OpenAI>[0]> = {}): OpenAI =>
  new OpenAI({ baseURL: `${council.url}/v1`, apiKey: adminToken, maxRetries: 0, ...options })

/** The bytes of an answer to a request of OpenAI's API, with its status and headers. */
export async function rawOpenAi(
  council: Served,
  path: string,
  body: object | string,
  headers: Record<string, string> = {},
) {
  const answer = await request(`${council.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

export type SentEvent = { name: string | null; data: string }

/** The server-sent events of a body, without comments. */
export const sentEvents = (body: string): SentEvent[] =>
  body
    .split('\n\n')
    .map((event) => event.split('\n'))
    .filter((lines) => lines.some((line) => line.startsWith('data: ')))
    .map((lines) => ({
      name: lines.find((line) => line.startsWith('event: '))?.slice('event: '.length) ?? null,
      data: lines.find((line) => line.startsWith('data: '))?.slice('data: '.length) ?? '',
    }))

/** The JSON of each event; `[DONE]` stays text. */
export const dataOf = (body: string): (Record<string, unknown> | string)[] =>
  sentEvents(body).map(({ data }) => (data === '[DONE]' ? data : (JSON.parse(data) as Record<string, unknown>)))

/** The error of a call that must fail. */
export const openAiErrorOf = (call: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> =>
  call.then(
    () => {
      throw new Error('the call succeeded')
    },
    (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
  )
