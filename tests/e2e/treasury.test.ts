import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../support/council.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'

/** Two processes: one that serves and one that keeps the read models up. */
let api: ServedCouncil
let projector: ServedCouncil
let opened: string
beforeAll(async () => {
  const settings = {
    COUNCIL_ID: freshCouncilId(),
    REDIS_URL: redisUrl,
    REDIS_EPHEMERAL_URL: redisUrl,
    DATABASE_URL: await createDatabase(),
  }
  api = await serveCouncil(settings, 'api')
  // Nobody has built the read model yet.
  expect(await get('/v1/treasury/accounts')).toMatchObject({
    status: 503,
    retryAfter: '1',
    body: { code: 'read_model_behind' },
  })
  projector = await serveCouncil(settings, 'projector')
  for (const account of ['external', 'reserve', 'agent:bob']) await command('OpenAccount', { account })
  opened = await command('OpenAccount', { account: 'agent:ada' })
})
afterAll(async () => {
  await api.stop()
  await projector.stop()
})

const authorized = { authorization: `Bearer ${adminToken}` }

async function get(path: string, headers: Record<string, string> = authorized) {
  const answer = await request(`${api.url}${path}`, { headers })
  const { 'x-council-position': position, 'retry-after': retryAfter } = answer.headers
  return {
    status: answer.statusCode,
    position,
    retryAfter,
    body: (await answer.body.json()) as Record<string, unknown>,
  }
}

/** Does it, and says where it stands in the log. */
async function command(name: string, fields: object): Promise<string> {
  const answer = await request(`${api.url}/v1/commands/${name}`, {
    method: 'POST',
    headers: { ...authorized, 'content-type': 'application/json', 'idempotency-key': newId() },
    body: JSON.stringify(fields),
  })
  expect(answer.statusCode).toBe(200)
  const { position } = (await answer.body.json()) as { position: string }
  return position
}

describe('the accounts over HTTP', () => {
  test('show a transfer as soon as it is asked for behind it, with integers for amounts', async () => {
    const after = await command('TransferFunds', {
      transferId: newId(),
      from: 'external',
      to: 'reserve',
      amountMicros: 9_007_199_254_740_990,
      reason: 'seed',
    })
    const answer = await get(`/v1/treasury/accounts/reserve?after=${after}`)
    expect(answer).toMatchObject({
      status: 200,
      body: {
        account: 'reserve',
        status: 'open',
        balanceMicros: 9_007_199_254_740_990,
        reservedMicros: 0,
        limits: null,
        lastPosition: after,
      },
    })
    expect(answer.position).toBe(after)
  })

  test('show what is promised, frozen and limited', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString()
    await command('ReserveFunds', { account: 'reserve', amountMicros: 400, expiresAt })
    await command('SetAccountLimits', { account: 'reserve', dailyMicros: 7, perActionMicros: 3 })
    const after = await command('FreezeAccount', { account: 'reserve', reason: 'audit' })
    expect(await get(`/v1/treasury/accounts/reserve?after=${after}`)).toMatchObject({
      body: { status: 'frozen', reservedMicros: 400, limits: { dailyMicros: 7, perActionMicros: 3 } },
    })
  })

  test('come in pages, each account once', async () => {
    const names: unknown[] = []
    for (let next: string | null = ''; next !== null;) {
      const answer = await get(`/v1/treasury/accounts?limit=3&after=${opened}${next ? `&cursor=${next}` : ''}`)
      const page = answer.body as { accounts: { account: string }[]; next: string | null }
      names.push(...page.accounts.map(({ account }) => account))
      next = page.next
    }
    expect(names).toEqual(['agent:ada', 'agent:bob', 'external', 'reserve'])
  })

  test.each(['agent:nobody', 'nonsense', '%00', "'%20or%201=1", '%zz', 'x'.repeat(200)])(
    'know no account %s',
    async (name) => {
      expect(await get(`/v1/treasury/accounts/${name}`)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    },
  )

  test.each([
    'after=yesterday',
    'after=',
    'limit=0',
    'limit=1001',
    'limit=many',
    'cursor=%00',
    'after=1-1&after=2-2',
    'sort=name',
  ])('do not take ?%s', async (query) => {
    expect(await get(`/v1/treasury/accounts?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'malformed_request' },
    })
  })

  test('are nothing for strangers', async () => {
    for (const path of ['/v1/treasury/accounts', '/v1/treasury/accounts/reserve', '/v1/treasury/accounts/%zz'])
      expect(await get(path, {})).toMatchObject({ status: 401 })
  })

  test('say when they are behind, after a bounded wait', async () => {
    expect(await get('/v1/treasury/accounts?after=999999999999999-0')).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: { code: 'read_model_behind' },
    })
  })
})
