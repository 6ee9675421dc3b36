import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { call, outcomeOf } from '../support/model-calls.ts'
import { processLine } from '../support/process-line.ts'
import { recordings, type Recording } from '../support/recordings.ts'
import { vllmClient } from '../support/vllm-client.ts'
import type { AnswerScript } from '../support/vllm-stand-in/script.ts'
import { startVllmStandIn } from '../support/vllm-stand-in/server.ts'

/**
 * Compares the stand-in with recordings of a real vLLM. The same requests must return the same status, type, fields and order of
 * events. The stand-in replays the model's texts from the recording. Ids, times and token counts that depend on the tokenizer are
 * compared by type.
 */

const main = fileURLToPath(new URL('../support/vllm-stand-in/main.ts', import.meta.url))

/** Requests that the stand-in does not support and answers with 501 or 404. The council sends none of them. */
const notPlayed =
  /two choices|n=2|logprobs|stop string|tool|detokenize|completion(, stream)?$|embeddings|, echo|engine died/

const played = ['chat.jsonl', 'constraints.jsonl', 'continue.jsonl', 'keys-tools-sigterm.jsonl', 'engine-died.jsonl']
  .flatMap((file) =>
    recordings(file).map((recording): [string, Recording] => [`${file}: ${recording.name}`, recording]),
  )
  .filter(([, recording]) => !notPlayed.test(recording.name))

describe('the stand-in agrees with the real vLLM', () => {
  test('on most recordings', () => {
    expect(played.length).toBeGreaterThanOrEqual(50)
  })

  test.each(played)('%s', async (_, recorded) => {
    const apiKey = /key|server got SIGTERM/.test(recorded.name) ? { apiKey: 'secret-key-1' } : {}
    const standIn = await startVllmStandIn(apiKey)
    onTestFinished(() => standIn.close())
    const script = scriptOf(recorded)
    if (script) standIn.nextAnswer(script)

    const { method, path, headers, body } = recorded.request
    const sent = typeof body === 'string' ? body : body === null ? null : JSON.stringify(body)
    const answer = await request(`${standIn.url}${path}`, {
      method: z.enum(['GET', 'POST']).parse(method),
      headers,
      body: sent,
    })
    const text = await answer.body.text()

    expect(answer.statusCode).toBe(recorded.response.status)
    expect(answer.headers['content-type']).toBe(recorded.response.headers['content-type'])
    if (path === '/metrics') expect(text).toMatch(/^vllm:num_requests_running\{.*\} 0\.0$/m)
    else expect(comparable(text)).toEqual(comparable(recorded.response.body))
  })
})

describe('the stand-in writes what the request allows, if its script breaks the constraint:', () => {
  test.each([
    ['the first choice', { choices: ['B > A', 'A > B'] }, 'B > A'],
    [
      'the least list',
      { jsonSchema: { type: 'array', items: { type: 'string', enum: ['A', 'B'] }, minItems: 2, maxItems: 2 } },
      '["A","A"]',
    ],
    [
      'the least object',
      {
        jsonSchema: {
          type: 'object',
          properties: { A: { type: 'integer', minimum: 3 }, B: { type: 'string' }, C: { type: 'boolean' } },
          required: ['A', 'B', 'C'],
        },
      },
      '{"A":3,"B":"","C":false}',
    ],
  ])('%s', async (_, constraint, text) => {
    const standIn = await startVllmStandIn()
    onTestFinished(() => standIn.close())
    standIn.nextAnswer({ tokens: ['[', '"C"', ']'] })
    const outcome = await outcomeOf(vllmClient([standIn.url]).stream(call({ constraint, maxTokens: 40 })))
    expect(outcome).toMatchObject({ text, end: 'stop' })
  })
})

test('the stand-in runs as a program at a given rate until it gets SIGTERM', async () => {
  const program = spawn(process.execPath, [
    main,
    '--tokens-per-second',
    '500',
    '--answer-words',
    '6',
    '--model',
    'paced',
  ])
  onTestFinished(() => void program.kill('SIGKILL'))
  const { url } = z.object({ url: z.url() }).parse(JSON.parse(await processLine(program, /^\{/)))
  const client = vllmClient([url])
  const whole = await outcomeOf(client.stream(call()))
  expect(whole).toMatchObject({
    end: 'stop',
    text: 'the council weighs each draft with',
    usage: { completionTokens: 7 },
  })
  expect(await outcomeOf(client.stream(call({ continueFrom: 'the council' })))).toMatchObject({
    text: ' weighs each draft with',
  })
  expect(await client.info()).toMatchObject({ model: 'paced' })
  program.kill('SIGTERM')
  expect(await once(program, 'exit')).toEqual([0, null])
})

const Stream = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string() }), finish_reason: z.string().nullable() })).min(1),
})
const Whole = z.object({
  choices: z.tuple([
    z.object({ message: z.object({ content: z.string() }), finish_reason: z.enum(['stop', 'length']) }),
  ]),
  usage: z.object({ completion_tokens: z.int() }),
})

/** The recorded answer of the real model, for the stand-in to replay. */
function scriptOf({ response }: Recording): AnswerScript | undefined {
  if (response.status !== 200) return undefined
  const events = eventsOf(response.body)
  if (events.length === 0) {
    const whole = Whole.safeParse(parsed(response.body))
    if (!whole.success) return undefined
    const [{ message, finish_reason }] = whole.data.choices
    const count = whole.data.usage.completion_tokens - (finish_reason === 'stop' ? 1 : 0)
    return { tokens: [message.content, ...Array.from({ length: count - 1 }, () => '')], finishReason: finish_reason }
  }
  // The first event is the role; the model's own stop has an event without a token.
  const chunks = events.flatMap((event) => Stream.safeParse(event).data?.choices ?? []).slice(1)
  const finish = chunks.at(-1)?.finish_reason
  const tokens = (finish === 'stop' ? chunks.slice(0, -1) : chunks).map(({ delta }) => delta.content)
  if (finish === 'stop' || finish === 'length') return { tokens, finishReason: finish }
  return { tokens, trap: { kind: 'error-object' } }
}

/** Removes the fields that differ between runs. */
function comparable(body: string): unknown {
  const events = eventsOf(body)
  return events.length > 0 ? events.map((event) => settled(event)) : settled(parsed(body))
}

function eventsOf(body: string): unknown[] {
  if (!body.startsWith('data: ')) return []
  return body
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => parsed(event.replace(/^data: /, '')))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const byType = new Set(['created', 'prompt_tokens', 'total_tokens', 'count'])

function settled(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return key === 'tokens' ? value.map(() => 'a token') : value.map((item) => settled(item))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, settled(item, name)]))
  if (byType.has(key) && typeof value === 'number') return 'a number'
  if (key === 'id' && typeof value === 'string') return value.replace(/-[0-9a-f]{16}$/, '-…')
  if (key === 'system_fingerprint') return 'a fingerprint'
  if (key === 'created') return 'a time'
  return value
}
