import { describe, expect, test } from 'vitest'
import type { TokenScope } from '../../src/events/token.ts'
import { apiGet } from '../support/api-client.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { bearer, issueToken } from '../support/tokens.ts'

const scene = serveForTests()

/** A person who asks questions, and reads with a token of their own. */
async function person(subject: string, more: readonly TokenScope[] = []) {
  const { token } = await issueToken(scene.council, { subject, scopes: ['chat:send', 'chat:read', ...more] })
  return {
    async ask(text: string, conversationId = newId()) {
      const client = await connectChat(scene.council.url, bearer(token))
      const requestId = client.ask({ text, conversationId, path: 'fast' })
      await client.frame('completed')
      client.close()
      return { requestId, conversationId }
    },
    async get(path: string) {
      const after = (await scene.log.events()).at(-1)?.position
      return apiGet(scene.council, `${path}${path.includes('?') ? '&' : '?'}after=${after}`, bearer(token))
    },
  }
}
const idsOf = ({ body }: { body: Record<string, unknown> }) =>
  (body['chats'] as { requestId: string }[]).map(({ requestId }) => requestId)

describe('the prompts over HTTP', () => {
  test('are those of the subject, newest first, with their answers and costs', async () => {
    const ada = await person('user:ada')
    const first = await ada.ask('What is the capital of France?')
    const second = await ada.ask('And of Italy?', first.conversationId)
    const other = await ada.ask('What is 2 + 2?')
    const all = await ada.get('/v1/chats')
    expect(idsOf(all)).toEqual([other.requestId, second.requestId, first.requestId])
    expect(all.body['chats']).toContainEqual(
      expect.objectContaining({
        requestId: first.requestId,
        conversationId: first.conversationId,
        subject: 'user:ada',
        status: 'completed',
        prompt: 'What is the capital of France?',
        answer: expect.stringMatching(/./),
        costMicros: expect.any(Number),
        failure: null,
      }),
    )
    expect(idsOf(await ada.get(`/v1/chats?conversation=${first.conversationId}`))).toEqual([
      second.requestId,
      first.requestId,
    ])
    const page = await ada.get('/v1/chats?limit=2')
    expect(idsOf(page)).toEqual([other.requestId, second.requestId])
    expect(idsOf(await ada.get(`/v1/chats?cursor=${String(page.body['next'])}`))).toEqual([first.requestId])
    expect(await ada.get(`/v1/chats/${first.requestId}`)).toMatchObject({
      status: 200,
      body: { requestId: first.requestId, tokens: { prompt: expect.any(Number) } },
    })
  })

  test('of another subject are as if they did not exist', async () => {
    const [bob, eve] = [await person('user:bob'), await person('user:eve')]
    const { requestId, conversationId } = await bob.ask('Is this private?')
    for (const path of ['/v1/chats', '/v1/chats?asker=user:bob', `/v1/chats?conversation=${conversationId}`])
      expect(await eve.get(path)).toMatchObject({ status: 200, body: { chats: [], next: null } })
    expect(await eve.get(`/v1/chats/${requestId}`)).toEqual(
      expect.objectContaining({ status: 404, body: expect.objectContaining({ code: 'not_found' }) }),
    )
    expect((await eve.get(`/v1/chats/${newId()}`)).body['detail']).toBe(
      (await eve.get(`/v1/chats/${requestId}`)).body['detail'],
    )
  })

  test('of all subjects are for those who may read all, who can ask for their own', async () => {
    const [bob, auditor] = [await person('user:bert'), await person('user:auditor', ['chat:read-all'])]
    const { requestId } = await bob.ask('Who reads this?')
    const own = await auditor.ask('Who asked?')
    expect(idsOf(await auditor.get('/v1/chats?limit=2'))).toEqual([own.requestId, requestId])
    expect(idsOf(await auditor.get('/v1/chats?asker=me'))).toEqual([own.requestId])
    expect(idsOf(await auditor.get('/v1/chats?asker=user:bert'))).toEqual([requestId])
    expect((await auditor.get(`/v1/chats/${requestId}`)).status).toBe(200)
  })
})
