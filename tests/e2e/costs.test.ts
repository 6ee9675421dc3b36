import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiGet } from '../support/api-client.ts'
import { openTestCouncil, type TestCouncil } from '../support/council.ts'
import { answeredPrompt, applyStep, newPrompt } from '../support/history.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings, redisUrl } from '../support/shared-servers.ts'

let council: ServedCouncil
let log: TestCouncil
let head: string
let requests: string[]
let debits: string[]
beforeAll(async () => {
  const settings = await councilSettings()
  council = await serveCouncil(settings, 'api,projector')
  log = await openTestCouncil(redisUrl, settings.COUNCIL_ID)
  const answered = await answeredPrompt(log)
  const lost = newPrompt()
  requests = [answered.requestId, lost.requestId]
  for (const step of ['submit', 'attempt', 'call', 'settle_unknown', 'call', 'fail'] as const)
    await applyStep(log, lost, step)
  head = await log.log.head()
  debits = (await log.events()).filter(({ type }) => type === 'BudgetDebited').map(({ position }) => position)
})
afterAll(async () => {
  log.close()
  await council.stop()
})

const costs = (query = '') => apiGet(council, `/v1/costs?after=${head}${query}`)
const figures = { promptTokens: 240, completionTokens: 68, cachedPromptTokens: 0 }
const all = { calls: 3, promptTokens: 360, cachedPromptTokens: 0, completionTokens: 102, costMicros: 976 }

describe('the costs over HTTP', () => {
  test('are one sum without a grouping, with the position that they reflect', async () => {
    expect(await costs()).toMatchObject({
      status: 200,
      headers: { 'x-council-position': head },
      body: {
        groupBy: [],
        timeZone: 'UTC',
        costs: [{ ...all, callsOfUnknownUsage: 1, positions: { first: debits[0], last: debits[2] } }],
        next: null,
      },
    })
  })

  test.each([
    ['model', 'test-model'],
    ['member', 'fast'],
    ['agent', null],
    ['user', 'tester'],
    ['phase', 'answer'],
  ])('are grouped by %s', async (grouping, key) => {
    expect((await costs(`&groupBy=${grouping}`)).body).toMatchObject({ costs: [{ [grouping]: key, ...all }] })
  })

  test('are grouped by request, each with its own figures', async () => {
    expect((await costs('&groupBy=request,user')).body['costs']).toEqual([
      {
        ...{ request: requests[0], user: 'tester', calls: 1, promptTokens: 120, cachedPromptTokens: 0 },
        ...{ completionTokens: 34, costMicros: 38, callsOfUnknownUsage: 0 },
        positions: { first: debits[0], last: debits[0] },
      },
      {
        ...{ request: requests[1], user: 'tester', calls: 2, ...figures, costMicros: 938, callsOfUnknownUsage: 1 },
        positions: { first: debits[1], last: debits[2] },
      },
    ])
  })

  test('are grouped by hour and day of a time zone, with the offset and the instants of the day', async () => {
    const { body } = await costs('&groupBy=day,hour&timeZone=Asia/Kathmandu')
    const [group] = body['costs'] as Record<string, string>[]
    expect(group?.['hour']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00\+05:45$/)
    expect(group?.['hour']).toContain(group?.['day'])
    expect(group?.['opensAt']).toMatch(/T18:15:00\.000Z$/)
    expect(group?.['closesAt']).toMatch(/T18:15:00\.000Z$/)
  })

  test('come in pages, each group once', async () => {
    const found: unknown[] = []
    for (let next: string | null = ''; next !== null;) {
      const { body } = await costs(`&groupBy=request&limit=1${next ? `&cursor=${next}` : ''}`)
      const page = body as { costs: { request: string }[]; next: string | null }
      found.push(...page.costs.map(({ request }) => request))
      next = page.next
    }
    expect(found).toEqual(requests.toSorted())
  })

  test('are those of a range of time, its ends included', async () => {
    const today = new Date().toISOString().slice(0, 10)
    expect((await costs(`&from=${today}&to=${today}`)).body).toMatchObject({
      from: `${today}T00:00:00.000Z`,
      to: `${today}T23:59:59.999Z`,
    })
    expect((await costs('&to=2020-01-01')).body).toMatchObject({ costs: [], next: null })
    expect((await costs('&groupBy=model&from=2100-01-01T00:00:00%2B02:00')).body).toMatchObject({
      from: '2099-12-31T22:00:00.000Z',
      costs: [],
    })
  })

  test.each([
    'groupBy=weather',
    'groupBy=model,model',
    'groupBy=',
    'timeZone=Mars/Olympus',
    'from=yesterday',
    'from=2026-11-23T10:00:00',
    'from=2026-11-24&to=2026-11-23',
    'groupBy=model&cursor=x',
    `groupBy=model&cursor=${Buffer.from('["a","b"]').toString('base64url')}`,
    'limit=0',
    'by=model',
  ])('refuse ?%s', async (query) => {
    expect(await costs(`&${query}`)).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
  })
})
