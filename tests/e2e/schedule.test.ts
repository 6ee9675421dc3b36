import { describe, expect, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { council as cli } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({ roles: 'api,scheduler' })
const windowMs = 24 * 3_600_000

async function reservedOn(account: string, expiresAtMs: number): Promise<string> {
  await executeCommand(scene.council, 'OpenAccount', { account })
  const money = { transferId: newId(), from: 'external', to: account, amountMicros: 1_000_000, reason: 'test' }
  await executeCommand(scene.council, 'TransferFunds', money)
  const fields = { account, amountMicros: 1, expiresAt: new Date(expiresAtMs).toISOString() }
  const { body } = await executeCommand(scene.council, 'ReserveFunds', fields)
  expect(body).toMatchObject({ result: 'appended' })
  return String(body['position'])
}

describe('the schedule', () => {
  test('lists what the clock will do, in pages over HTTP and on the command line', async () => {
    await executeCommand(scene.council, 'OpenAccount', { account: 'external' })
    const startMs = Date.now() + 3_600_000
    await reservedOn('bounty:b2', startMs + 2_000)
    await reservedOn('bounty:b1', startMs + 2_000)
    const position = await reservedOn('bounty:b3', startMs)
    const rows = [
      ['b3', startMs],
      ['b1', startMs + 2_000],
      ['b2', startMs + 2_000],
    ].map(([name, ms]) => ({
      stream: `account/bounty:${name}`,
      action: 'AdvanceAccount',
      at: new Date(Number(ms) + windowMs + 1).toISOString(),
    }))

    const get = (query: string) => apiGet(scene.council, `/v1/schedule${query}`)
    const all = await get(`?after=${position}`)
    expect(all).toMatchObject({ status: 200, body: { schedule: rows, next: null } })
    expect(all.headers['x-council-position']).toBeDefined()
    const seen: unknown[] = []
    for (let next: string | null = ''; next !== null;) {
      const { body } = await get(`?limit=1${next ? `&cursor=${encodeURIComponent(next)}` : ''}`)
      seen.push(...(body['schedule'] as unknown[]))
      next = body['next'] as string | null
    }
    expect(seen).toEqual(rows)

    const listed = await cli(scene.settings, ['schedule', 'list', '--json'])
    expect(listed.code).toBe(0)
    expect(listed.json()).toEqual(rows)
    const { stdout } = await cli(scene.settings, ['schedule', 'list', '--limit', '1'])
    expect(stdout).toBe(`${rows[0]?.at}  AdvanceAccount      account/bounty:b3\n`)
  })

  test.each([
    ['?cursor=yesterday', 400, 'malformed_request'],
    ['?cursor=5/nothing', 400, 'malformed_request'],
    ['?limit=0', 400, 'malformed_request'],
    ['?after=9999999999999-0', 400, 'malformed_request'],
  ])('refuses %s', async (query, status, code) => {
    expect(await apiGet(scene.council, `/v1/schedule${query}`)).toMatchObject({ status, body: { code } })
  })

  test('is in /health: who acts, and when', async () => {
    const health = async () => {
      const { body } = await apiGet(scene.council, '/health')
      return (body['checks'] as Record<string, { output: string }[]>)['scheduler']?.[0]?.output
    }
    await expect.poll(health, { timeout: 15_000 }).toMatch(/^acts for the clock, next at 2\d{3}-/)
  })
})
