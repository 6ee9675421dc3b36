import { describe, expect, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests()
const set = (fields: object) => executeCommand(scene.council, 'SetBudgetPolicy', fields)
const get = (path: string) => apiGet(scene.council, path)

async function answered(text = 'What is the capital of France?') {
  const client = await scene.connect()
  const requestId = client.ask({ text, path: 'fast' })
  const end = await Promise.race([client.frame('completed'), client.frame('failed')])
  client.close()
  return { requestId, end }
}

describe('a standing policy over HTTP', () => {
  test('is set, shown, and holds for the next call of its scope', async () => {
    const { body } = await set({ scope: 'user:admin', dailyMicros: 5_000_000, timeZone: 'Europe/Berlin' })
    expect(body).toMatchObject({ result: 'appended' })
    expect(await get(`/v1/policies?after=${String(body['position'])}`)).toMatchObject({
      status: 200,
      body: {
        policies: [
          {
            scope: 'user:admin',
            dailyMicros: 5_000_000,
            softPercent: 80,
            onExceed: 'throttle',
            timeZone: 'Europe/Berlin',
            setBy: 'admin',
          },
        ],
        next: null,
      },
    })

    const { requestId, end } = await answered()
    const debits = await scene.eventsOf(requestId, /^BudgetDebited$/)
    const spentMicros = debits[0]?.data['actualMicros']
    expect(end).toMatchObject({ type: 'completed', costMicros: spentMicros })
    const { body: shown } = await get(`/v1/budgets?after=${debits.at(-1)?.position}`)
    const budget = { spentMicros, reservedMicros: 0, calls: 1, openCalls: 0, throttledAt: null }
    expect(shown['budgets']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ scope: 'council', ...budget }),
        expect.objectContaining({
          scope: 'user:admin',
          ...budget,
          closesAt: expect.stringMatching(/T2[23]:00:00.000Z$/) as unknown,
        }),
      ]),
    )
  })

  test('and the budgets come in pages, each once', async () => {
    const scopes: string[] = []
    for (let next: string | null = ''; next !== null;) {
      const { status, body } = await get(`/v1/budgets?limit=1${next ? `&cursor=${next}` : ''}`)
      expect(status).toBe(200)
      const page = body as { budgets: { scope: string }[]; next: string | null }
      scopes.push(...page.budgets.map(({ scope }) => scope))
      next = page.next
    }
    expect(scopes.toSorted()).toEqual(['council', 'user:admin'])
    expect(await get('/v1/budgets?cursor=2026-02-30/council')).toMatchObject({
      status: 400,
      body: { code: 'malformed_request' },
    })
  })

  test.each([
    ['a zone that does not exist', { timeZone: 'Mars/Olympus' }],
    ['a fixed offset, which knows no summer time', { timeZone: '+02:00' }],
    ['a soft limit above the limit', { softPercent: 101 }],
    ['a scope that does not exist', { scope: 'team:blue' }],
    ['a fraction of a micro-dollar', { dailyMicros: 0.5 }],
    ['an unknown field', { weeklyMicros: 1 }],
  ])('is refused with %s', async (_, fields) => {
    expect(await set({ scope: 'council', dailyMicros: 1, ...fields })).toMatchObject({
      status: 400,
      body: { code: 'malformed_command' },
    })
  })

  test('that leaves no room ends a prompt with the instant at which the budget reopens', async () => {
    await set({ scope: 'user:admin', dailyMicros: 1, timeZone: 'UTC' })
    const { requestId, end } = await answered()
    expect(end).toMatchObject({
      type: 'failed',
      code: 'budget_exceeded',
      message: expect.stringMatching(/user:admin.*T00:00:00.000Z/) as unknown,
    })
    await answered()
    const alerts = await scene.eventsOf(requestId, /^HardLimitReached$/)
    const { body } = await get(`/v1/budgets?after=${alerts[0]?.position}`)
    expect(body['budgets']).toContainEqual(
      expect.objectContaining({
        scope: 'user:admin',
        closesAt: alerts[0]?.data['reopensAt'],
        alerts: [
          {
            kind: 'hard',
            limitMicros: 1,
            spentMicros: alerts[0]?.data['spentMicros'],
            reservedMicros: 0,
            at: expect.any(String) as unknown,
            position: alerts[0]?.position,
          },
        ],
      }),
    )
  })
})

describe('the emergency stop', () => {
  test('cuts a running answer within one append; its call pays for the tokens that it has used', async () => {
    await set({ scope: 'user:admin', dailyMicros: 50_000_000, timeZone: 'UTC' })
    scene.model.nextAnswer({ tokens: Array.from({ length: 400 }, (_, n) => ` ${n}`), tokensPerSecond: 20 })
    const client = await scene.connect()
    const requestId = client.ask({ text: 'Count slowly.', path: 'fast' })
    await client.frame('token')
    expect(await executeCommand(scene.council, 'FreezeTreasury', { reason: 'audit' })).toMatchObject({ status: 200 })
    expect(await client.frame('failed')).toMatchObject({ code: 'treasury_frozen' })
    expect(await scene.eventsOf(requestId, /^(BudgetDebited|AccountCredited|AnswerFailed)$/)).toMatchObject([
      { type: 'AnswerFailed', data: { code: 'treasury_frozen' } },
      { type: 'BudgetDebited', data: { usage: 'reported' } },
      { type: 'BudgetDebited', data: { usage: 'reported' } },
      { type: 'AccountCredited', stream: 'account/spend' },
    ])
    expect((await answered()).end).toMatchObject({ type: 'failed', code: 'treasury_frozen' })
    await executeCommand(scene.council, 'UnfreezeTreasury', { reason: 'done' })
    expect((await answered()).end).toMatchObject({ type: 'completed' })
    client.close()
  })
})

describe('the prices', () => {
  test('of the settings are listed at the start, and each debit names one of them', async () => {
    const { requestId } = await answered()
    const [debit] = await scene.eventsOf(requestId, /^BudgetDebited$/)
    const { status, body } = await get(`/v1/prices?after=${debit?.position}`)
    expect(status).toBe(200)
    expect(body).toEqual({
      prices: [
        {
          priceRef: debit?.data['priceRef'],
          models: ['huggingfacetb/smollm2-135m-instruct', 'smollm2', 'smollm2-135m-instruct'],
          promptMicrosPer1000: 150,
          cachedPromptMicrosPer1000: 150,
          completionMicrosPer1000: 600,
          validFrom: null,
          listedBy: 'service:worker',
          listedAt: expect.any(String) as unknown,
          lastPosition: expect.any(String) as unknown,
        },
      ],
      next: null,
    })
    expect(await get('/v1/prices?limit=1&cursor=999999')).toMatchObject({ body: { prices: [], next: null } })
  })
})
