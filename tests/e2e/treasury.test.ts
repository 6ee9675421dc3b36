import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings } from '../support/shared-servers.ts'

/** The api and the projector run in two processes. */
let api: ServedCouncil
let projector: ServedCouncil
let opened: string
beforeAll(async () => {
  const settings = await councilSettings()
  api = await serveCouncil(settings, 'api')
  // No projector has built the read model yet.
  expect(await get('/v1/treasury/accounts')).toMatchObject(behind)
  projector = await serveCouncil(settings, 'projector')
  for (const account of ['external', 'reserve', 'agent:bob']) await command('OpenAccount', { account })
  opened = await command('OpenAccount', { account: 'agent:ada' })
})
afterAll(async () => {
  await api.stop()
  await projector.stop()
})

const behind = { status: 503, headers: { 'retry-after': '1' }, body: { code: 'read_model_behind' } }
const get = (path: string, headers?: Record<string, string>) => apiGet(api, path, headers)

/** Executes a command; resolves with the position of its last event. */
async function command(name: string, fields: object): Promise<string> {
  const { status, body } = await executeCommand(api, name, fields)
  expect(status).toBe(200)
  return body['position'] as string
}

describe('the accounts over HTTP', () => {
  test('show a transfer to a query after its position, with integers for amounts', async () => {
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
    expect(answer.headers['x-council-position']).toBe(after)
  })

  test('show reservations, limits and that an account is frozen', async () => {
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

  test.each(['agent:unknown', 'nonsense', '%00', "'%20or%201=1", '%zz', 'x'.repeat(200)])(
    'do not include %s',
    async (name) => {
      expect(await get(`/v1/treasury/accounts/${name}`)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    },
  )

  test.each([
    ...['after=yesterday', 'after=', 'after=1-1&after=2-2', 'limit=0', 'limit=1001', 'limit=many'],
    ...['cursor=%00', 'sort=name'],
  ])('refuse ?%s', async (query) => {
    expect(await get(`/v1/treasury/accounts?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'malformed_request' },
    })
  })

  test('are not shown to a client without a token', async () => {
    for (const path of ['/v1/treasury/accounts', '/v1/treasury/accounts/reserve', '/v1/treasury/accounts/%zz'])
      expect(await get(path, {})).toMatchObject({ status: 401 })
  })

  test('report that they lag, after a bounded wait', async () => {
    projector.child.kill('SIGSTOP')
    onTestFinished(() => void projector.child.kill('SIGCONT'))
    const after = await command('OpenAccount', { account: 'agent:late' })
    expect(await get(`/v1/treasury/accounts?after=${after}`)).toMatchObject(behind)
  })

  test('refuse to wait for a position that the log does not have', async () => {
    const answer = await get('/v1/treasury/accounts?after=999999999999999-0')
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    expect(answer.body['detail']).toMatch(/^after: the log ends at \d+-\d+, before 999999999999999-0$/)
  })
})
