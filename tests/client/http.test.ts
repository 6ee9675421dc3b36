import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { councilClient } from '../../src/client/client.ts'

type Response = { status: number; headers?: Record<string, string>; body?: unknown }

/** A server with these responses, one after another; the last one repeats. */
async function serverOf(...responses: Response[]) {
  const requests: { key: string | undefined; body: string; atMs: number }[] = []
  const server = createServer((request, response) => {
    void (async () => {
      requests.push({ key: keyOf(request), body: await textOf(request), atMs: performance.now() })
      const { status, headers = {}, body } = responses[Math.min(requests.length, responses.length) - 1]!
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
    })()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return { requests, client: councilClient({ url: `http://127.0.0.1:${address.port}/`, token: 'x' }) }
}

const keyOf = ({ headers }: IncomingMessage) => headers['idempotency-key'] as string | undefined

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

const problem = (status: number, code: string, retryAfter?: string): Response => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...(retryAfter && { 'retry-after': retryAfter }) },
  body: { status, code, detail: `about ${code}`, details: { limitMicros: 5 } },
})
const appended: Response = {
  status: 200,
  body: { result: 'appended', position: '2-0', revisions: { 'account/reserve': 1 }, events: [] },
}

describe('a command', () => {
  test('is sent again under one key after transient problems, no sooner than the server asks', async () => {
    const { client, requests } = await serverOf(
      problem(503, 'overloaded', '1'),
      problem(503, 'outcome_unknown'),
      problem(429, 'too_many_in_flight'),
      appended,
    )
    const outcome = await client.execute('TransferFunds', { amountMicros: 1 })
    expect(outcome).toMatchObject({ result: 'appended', position: '2-0', revisions: { 'account/reserve': 1 } })
    expect(requests.map(({ key }) => key)).toEqual(Array<string>(4).fill(outcome.key))
    expect(requests.map(({ body }) => body)).toEqual(Array<string>(4).fill('{"amountMicros":1}'))
    expect(requests[1]!.atMs - requests[0]!.atMs).toBeGreaterThanOrEqual(990)
  })

  test('is not sent again where the wait would be longer than the caller has time', async () => {
    const { client, requests } = await serverOf(problem(503, 'log_nearly_full', '3600'))
    expect(await client.execute('TransferFunds', {})).toMatchObject({ result: 'rejected', code: 'log_nearly_full' })
    expect(requests).toHaveLength(1)
  })

  test('is not sent again while the log is stopped', async () => {
    const { client, requests } = await serverOf(problem(503, 'log_stopped', '1'))
    expect(await client.execute('TransferFunds', {})).toMatchObject({ result: 'rejected', code: 'log_stopped' })
    expect(requests).toHaveLength(1)
  })

  test('that waits for a person is a value', async () => {
    const body = { result: 'approval_required', approvalId: 'a', position: '2-0', events: [] }
    const { client } = await serverOf({ status: 202, body })
    expect(await client.execute('ReserveFunds', {}, { key: 'mine' })).toEqual({ ...body, key: 'mine' })
  })

  test('that a rule refuses is a value, with the figures', async () => {
    const { client } = await serverOf(problem(422, 'insufficient_funds'))
    expect(await client.execute('TransferFunds', {}, { key: 'mine' })).toEqual({
      result: 'refused',
      code: 'insufficient_funds',
      message: 'about insufficient_funds',
      details: { limitMicros: 5 },
      key: 'mine',
    })
  })

  test.each([
    ['a success that is none', { status: 200, body: { result: 'appended' } }],
    ['a page of a proxy', { status: 200, body: '<html>' }],
  ])('throws at %s', async (_, response) => {
    const { client } = await serverOf(response)
    await expect(client.execute('TransferFunds', {})).rejects.toMatchObject({ code: 'malformed_frame' })
  })

  test('decides approvals', async () => {
    const { client, requests } = await serverOf(appended)
    await client.approve('a1', { argumentsHash: 'hash' })
    await client.deny('a2', 'too dear')
    expect(requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { approvalId: 'a1', argumentsHash: 'hash' },
      { approvalId: 'a2', reason: 'too dear' },
    ])
  })

  test('ends with its signal, also between two tries', async () => {
    const { client } = await serverOf(problem(503, 'overloaded', '5'))
    const outcome = client.execute('TransferFunds', {}, { signal: AbortSignal.timeout(100) })
    await expect(outcome).rejects.toMatchObject({ code: 'interrupted' })
  })
})

test('a read that finds no council says so', async () => {
  const { client } = await serverOf({ status: 200, body: 'hello' }, { status: 404, body: '<html>' })
  expect((await client.read('/v1/mode')).body).toBeNull()
  await expect(client.read('/v1/mode')).rejects.toMatchObject({ code: 'no_council' })
})
