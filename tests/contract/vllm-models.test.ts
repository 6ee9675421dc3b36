import { describe, expect, test } from 'vitest'
import { memberModels } from '../../src/agents/models/member-models.ts'
import type { ModelError } from '../../src/agents/models/model.ts'
import { call, failureOf, outcomeOf } from '../support/model-calls.ts'
import { begunWith, refusedUrl, vllmClient, vllmServer } from '../support/vllm-client.ts'
import type { StandIn } from '../support/vllm-stand-in/server.ts'

/** Tests the vLLM client against several servers that do not serve the same models. */
const chats = (server: StandIn) => server.hits('POST /v1/chat/completions')

async function largeAndSmall() {
  const large = await vllmServer({ model: 'large', maxModelLen: 8192 })
  const small = await vllmServer({ model: 'small' })
  const client = vllmClient([large.url, small.url], { model: 'large' })
  return { large, small, client }
}

describe('a client of a named model', () => {
  test('uses only the servers that serve the model', async () => {
    const { large, small, client } = await largeAndSmall()
    const named = client.modelOf('small')
    for (let calls = 0; calls < 2; calls += 1) {
      expect((await outcomeOf(client.stream(call()))).end).toBe('stop')
      expect((await outcomeOf(named.stream(call()))).end).toBe('stop')
    }
    expect([chats(large), chats(small)]).toEqual([2, 2])
    expect([large, small].map(({ received }) => received[0]?.chat.model)).toEqual(['large', 'small'])
    expect(await client.info()).toMatchObject({ model: 'large', contextTokens: 8192 })
    expect(await named.info()).toMatchObject({ model: 'small', contextTokens: 2048 })
    expect(await named.countPromptTokens(call().messages, new AbortController().signal)).toBeGreaterThan(0)
  })

  test('fails over only among the servers that serve the model', async () => {
    const { large, small, client } = await largeAndSmall()
    small.nextAnswer({ trap: { kind: 'status', status: 503, body: '' } })
    expect(await failureOf(client.modelOf('small').stream(call()))).toBe('model_unavailable')
    expect(chats(large)).toBe(0)
  })

  test('finds the model unknown if every server answers and none serves it', async () => {
    const { large, small, client } = await largeAndSmall()
    const named = client.modelOf('medium')
    const { end } = await outcomeOf(named.stream(call()))
    expect(end).toMatchObject({ code: 'model_unknown' })
    expect((end as ModelError).message).toContain(`${large.url} does not serve medium; it serves large.`)
    expect((end as ModelError).message).toContain(`${small.url} does not serve medium; it serves small.`)
    await expect(named.info()).rejects.toMatchObject({ code: 'model_unknown' })
    expect(await named.health()).toMatchObject({ status: 'fail', code: 'model_unknown' })
    expect([chats(large), chats(small)]).toEqual([0, 0])
  })

  test('finds the model unavailable while a server that may serve it cannot be reached', async () => {
    const { url } = await vllmServer({ model: 'large' })
    const named = vllmClient([url, await refusedUrl()]).modelOf('small')
    await expect(named.info()).rejects.toMatchObject({ code: 'model_unavailable' })
    expect(await failureOf(named.stream(call()))).toBe('model_unavailable')
  })

  test('uses a server as soon as it serves the model', async () => {
    const { small, client } = await largeAndSmall()
    const named = client.modelOf('medium')
    expect(await failureOf(named.stream(call()))).toBe('model_unknown')
    small.setModel('medium', 1024)
    expect((await outcomeOf(named.stream(call()))).end).toBe('stop')
    expect(await named.info()).toMatchObject({ model: 'medium', contextTokens: 1024 })
  })

  test('ends with the client that it came from', async () => {
    const { small, client } = await largeAndSmall()
    const answer = small.nextAnswer({ gated: true })
    const named = client.modelOf('small')
    const { rest } = await begunWith(answer, named)
    await client.close()
    expect((await rest()).end).toMatchObject({ code: 'model_interrupted' })
    expect(await failureOf(named.stream(call()))).toBe('model_unavailable')
  })
})

describe('the limit of concurrent calls', () => {
  const one = { concurrency: 1, maxQueued: 0 }

  test('holds for a server, whichever client calls it', async () => {
    const vllm = await vllmServer({ model: 'small' })
    const client = vllmClient([vllm.url], one)
    const answer = vllm.nextAnswer({ gated: true })
    await begunWith(answer, client.modelOf('small'))
    expect(await failureOf(client.stream(call()))).toBe('model_overloaded')
  })

  test('is the reason of a failure, not the servers that lack the model', async () => {
    const { large, small } = await largeAndSmall()
    const client = vllmClient([large.url, small.url], { ...one, model: 'large' })
    const answer = large.nextAnswer({ gated: true })
    await begunWith(answer, client)
    expect(await failureOf(client.stream(call()))).toBe('model_overloaded')
  })

  test('of a busy server does not limit the calls to another one', async () => {
    const [first, second] = [await vllmServer(), await vllmServer()]
    const client = vllmClient([first.url, second.url], one)
    const answer = first.nextAnswer({ gated: true })
    await begunWith(answer, client)
    expect((await outcomeOf(client.stream(call()))).end).toBe('stop')
    expect([chats(first), chats(second)]).toEqual([1, 1])
  })
})

describe('the health of servers with different models', () => {
  test('is good for a model that one of them serves', async () => {
    const { small, client } = await largeAndSmall()
    expect(await client.health()).toMatchObject({ status: 'pass', info: { model: 'large' } })
    small.setHealth(503)
    expect(await client.health()).toMatchObject({ status: 'warn', code: 'model_unavailable' })
  })

  test('warns if no model is named', async () => {
    const { large, small } = await largeAndSmall()
    const health = await vllmClient([large.url, small.url]).health()
    expect(health).toMatchObject({ status: 'warn', code: 'model_unknown' })
    expect(health).toHaveProperty('message', expect.stringContaining('large and small'))
  })
})

describe('the models of members', () => {
  test('are the named models, or else the default model', async () => {
    const { client } = await largeAndSmall()
    const { modelOf, unserved } = memberModels({ model: client, modelOf: client.modelOf }, [undefined, 'small'])
    expect(await Promise.all([modelOf().info(), modelOf('small').info()])).toMatchObject([
      { model: 'large' },
      { model: 'small' },
    ])
    expect(await unserved()).toEqual([])
  })

  test('that no server serves are reported by name, and only their members fail', async () => {
    const { client } = await largeAndSmall()
    const named = ['medium', 'small', undefined, 'tiny', 'medium']
    const { modelOf, unserved } = memberModels({ model: client, modelOf: client.modelOf }, named)
    expect(await unserved()).toEqual(['medium', 'tiny'])
    await expect(modelOf('medium').info()).rejects.toMatchObject({ code: 'model_unknown' })
    expect((await outcomeOf(modelOf('small').stream(call()))).end).toBe('stop')
    expect((await outcomeOf(modelOf().stream(call()))).end).toBe('stop')
  })

  test('may be served by a server that cannot be reached', async () => {
    const client = vllmClient([await refusedUrl()])
    expect(await memberModels({ model: client, modelOf: client.modelOf }, ['small']).unserved()).toEqual([])
  })
})
