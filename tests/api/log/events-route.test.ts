import { beforeAll, describe, expect, test } from 'vitest'
import { councilClient } from '../../../src/client/client.ts'
import { apiGet, executeCommand } from '../../support/api-client.ts'
import { council as cli } from '../../support/cli.ts'
import { newId } from '../../support/council.ts'
import { adminToken } from '../../support/served-council.ts'
import { serveForTests } from '../../support/test-scene.ts'
import { bearer, issueToken } from '../../support/tokens.ts'

const scene = serveForTests()

type Printed = {
  position: string
  stream: string
  revision: number
  type: string
  data: Record<string, unknown>
  metadata: { actor: string; requestId?: string; eventId: string }
}
type Page = { events: Printed[]; next: string | null }
type Linked = Record<'causedBy' | 'together' | 'followed', Printed[]> & { event: Printed }

const get = (path: string) => apiGet(scene.council, path)
const pageAt = async (query: string): Promise<Page> => (await get(`/v1/events?${query}`)).body as Page
const linksOf = async (position: string, query = ''): Promise<Linked> =>
  (await get(`/v1/events/${position}${query}`)).body as Linked
const newest = async () => (await scene.log.events()).at(-1)?.position ?? ''

const client = () => councilClient({ url: scene.council.url, token: adminToken })
let requestId: string

beforeAll(async () => {
  for (const account of ['external', 'reserve']) await executeCommand(scene.council, 'OpenAccount', { account })
  for (const amountMicros of [3_000_000, 2_000_000, 1_000_000]) {
    const money = { transferId: newId(), from: 'external', to: 'reserve', amountMicros, reason: 'a gift' }
    expect((await executeCommand(scene.council, 'TransferFunds', money)).status).toBe(200)
  }
  const answer = client().ask({ text: 'What is the capital of France?', path: 'fast' })
  requestId = answer.requestId
  expect(await answer.ending()).toMatchObject({ type: 'completed' })
})

describe('the events over HTTP', () => {
  test('are those of the command line, newest first, page after page', async () => {
    const listed = (await cli(scene.settings, ['events', '--json'])).json() as Printed[]
    const after = await newest()
    const seen: Printed[] = []
    for (let next: string | null = ''; next !== null;) {
      const page = await pageAt(`after=${after}&limit=3${next ? `&cursor=${next}` : ''}`)
      seen.push(...page.events)
      next = page.next
    }
    expect(seen).toEqual(listed.toReversed())
    const oldest = await get(`/v1/events?order=asc&limit=1000`)
    expect(oldest.body['events']).toEqual(listed)
    expect(oldest.headers['x-council-position']).toBe(after)
  })

  test.each([
    ['stream=account/reserve', ({ stream }: Printed) => stream === 'account/reserve'],
    ['stream=account/*', ({ stream }: Printed) => stream.startsWith('account/')],
    ['type=AccountOpened,PromptSubmitted', ({ type }: Printed) => /^(AccountOpened|PromptSubmitted)$/.test(type)],
    ['actor=admin', ({ metadata }: Printed) => metadata.actor === 'admin'],
    [
      'stream=account/*&type=AccountCredited&actor=admin',
      ({ type, metadata }: Printed) => type === 'AccountCredited' && metadata.actor === 'admin',
    ],
  ])('match %s', async (query, isWanted) => {
    const all = (await pageAt(`after=${await newest()}&limit=1000`)).events
    const { events } = await pageAt(`limit=1000&${query}`)
    expect(events).toEqual(all.filter(isWanted))
    expect(events.length).toBeGreaterThan(1)
  })

  test('of a request are those of its prompt and of its money', async () => {
    const { events } = await pageAt(`after=${await newest()}&order=asc&request=${requestId}`)
    expect(events.map(({ position }) => position)).toEqual(
      (await scene.eventsOf(requestId)).map(({ position }) => position),
    )
    expect(events[0]).toMatchObject({ type: 'PromptSubmitted', data: { text: 'What is the capital of France?' } })
  })

  test.each([
    'stream=nothing here',
    'stream=chat',
    'type=NoSuchType',
    'type=',
    'request=yesterday',
    'order=sideways',
    'cursor=x',
    'limit=1001',
    'colour=red',
  ])('refuse the filter %s', async (query) => {
    const { status, body } = await get(`/v1/events?${query}`)
    expect([status, body['code']]).toEqual([400, 'malformed_request'])
  })

  test('need the scope events:read', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:read', 'chat:read-all'] })
    for (const path of ['/v1/events', '/v1/events/1-1', '/v1/states/chat%2Fx']) {
      const { status, body } = await apiGet(scene.council, path, bearer(token))
      expect([status, body['details']]).toEqual([403, { scope: 'events:read' }])
    }
  })
})

describe('one event', () => {
  test('shows what caused it and what followed', async () => {
    const after = await newest()
    const [prompt] = await scene.eventsOf(requestId, /^PromptSubmitted$/)
    const asked = await linksOf(prompt?.position ?? '', `?after=${after}`)
    expect(asked.event).toMatchObject({ position: prompt?.position, type: 'PromptSubmitted' })
    expect(asked.causedBy).toEqual([])
    const answered = asked.followed.find(({ type }) => type === 'AnswerCompleted')
    const answer = await linksOf(answered?.position ?? '')
    expect(answer.causedBy).toEqual([
      {
        position: prompt?.position,
        stream: prompt?.stream,
        type: 'PromptSubmitted',
        actor: 'admin',
        occurredAt: prompt?.metadata.occurredAt,
      },
    ])
  })

  test('shows what the same command wrote with it', async () => {
    const { events } = await pageAt(`type=AccountCredited&actor=admin&after=${await newest()}`)
    const linked = await linksOf(events[0]?.position ?? '')
    expect(linked.together).toMatchObject([{ type: 'AccountDebited', stream: 'account/external' }])
  })

  test.each(['0-0', '1-1', 'yesterday', '0000001-1', '999999999999999-99999999999999999999'])(
    'is not found at %s',
    async (position) => {
      const { status, body } = await get(`/v1/events/${position}`)
      expect([status, body['code']]).toEqual([404, 'not_found'])
    },
  )
})

describe('the state of a stream', () => {
  const stateOf = (query = '', stream = 'account/reserve') => get(`/v1/states/${encodeURIComponent(stream)}${query}`)

  test('is what the command line folds, at any moment', async () => {
    const after = await newest()
    const { events } = await pageAt(`stream=account/reserve&order=asc&after=${after}`)
    for (const { position, revision } of events) {
      const printed = await cli(scene.settings, ['state', 'account/reserve', '--at', position, '--json'])
      const [expected] = printed.json()
      expect(expected).toMatchObject({ revision })
      expect((await stateOf(`?at=${position}`)).body).toEqual(expected)
      expect((await stateOf(`?revision=${revision}`)).body).toEqual(expected)
    }
    const [now] = (await cli(scene.settings, ['state', 'account/reserve', '--json'])).json()
    expect((await stateOf(`?after=${after}`)).body).toEqual(now)
    expect((await stateOf(`?at=${new Date().toISOString()}`)).body).toEqual(now)
    expect((await stateOf(`?at=${new Date().toISOString().slice(0, 10)}`)).body).toEqual(now)
    expect((await stateOf('', `chat/${requestId}`)).body).toMatchObject({ stream: `chat/${requestId}` })
  })

  test.each([
    ['?revision=99', 'account/reserve'],
    ['?at=1-1', 'account/reserve'],
    ['', 'account/agent:missing'],
    ['', 'wardrobe/red'],
    ['', 'no stream'],
    ['', `account/agent:${'x'.repeat(400)}`],
  ])('is not found: %s of %s', async (query, stream) => {
    const { status, body } = await stateOf(query, stream)
    expect([status, body['code']]).toEqual([404, 'not_found'])
  })

  test.each(['?at=yesterday', '?at=2026-11-23T10:00:00', '?revision=0', '?at=1-1&revision=1', '?colour=red'])(
    'refuses %s',
    async (query) => {
      const { status, body } = await stateOf(query)
      expect([status, body['code']]).toEqual([400, 'malformed_request'])
    },
  )
})
