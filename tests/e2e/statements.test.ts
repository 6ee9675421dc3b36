import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiGet, authorized, executeCommand } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings } from '../support/shared-servers.ts'

let council: ServedCouncil
let head: string
beforeAll(async () => {
  council = await serveCouncil(await councilSettings(), 'api,projector')
  for (const account of ['external', 'reserve', 'agent:ada']) await command('OpenAccount', { account })
  await transfer('external', 'reserve', 1_000, 'seed money')
  await transfer('reserve', 'agent:ada', 300, '=HYPERLINK("x"), for "Ada"', 'invoice 7')
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const { body } = await executeCommand(council, 'ReserveFunds', { account: 'agent:ada', amountMicros: 50, expiresAt })
  const [{ stream }] = body['events'] as [{ stream: string }]
  expect(stream).toBe('account/agent:ada')
  head = await transfer('agent:ada', 'reserve', 20, 'change')
})
afterAll(() => council.stop())

async function command(name: string, fields: object): Promise<string> {
  const { status, body } = await executeCommand(council, name, fields)
  expect(status).toBe(200)
  return body['position'] as string
}
const transfer = (from: string, to: string, amountMicros: number, reason: string, ref?: string) =>
  command('TransferFunds', { transferId: newId(), from, to, amountMicros, reason, ...(ref && { ref }) })
const statement = (account: string, query = '') =>
  apiGet(council, `/v1/treasury/accounts/${account}/entries?after=${head}${query}`)

describe('the statement of an account', () => {
  test('has every movement, newest first, with its counterparty, reason and the balance after it', async () => {
    expect(await statement('reserve')).toMatchObject({
      status: 200,
      headers: { 'x-council-position': head },
      body: {
        account: 'reserve',
        entries: [
          { counterparties: ['agent:ada'], amountMicros: 20, balanceMicros: 720, reason: 'change', ref: null },
          { counterparties: ['agent:ada'], amountMicros: -300, balanceMicros: 700, ref: 'invoice 7', actor: 'admin' },
          { counterparties: ['external'], amountMicros: 1_000, balanceMicros: 1_000, reason: 'seed money' },
        ],
        next: null,
      },
    })
  })

  test('comes in pages, each entry once', async () => {
    const amounts: unknown[] = []
    for (let next: string | null = ''; next !== null;) {
      const { body } = await statement('reserve', `&limit=1${next ? `&cursor=${next}` : ''}`)
      const page = body as { entries: { amountMicros: number }[]; next: string | null }
      amounts.push(...page.entries.map(({ amountMicros }) => amountMicros))
      next = page.next
    }
    expect(amounts).toEqual([20, -300, 1_000])
  })

  test('is a CSV file on request, with the address of its next page, and runs nothing in a spreadsheet', async () => {
    const read = (path: string) => request(`${council.url}${path}`, { headers: authorized })
    const first = await read(`/v1/treasury/accounts/agent:ada/entries?format=csv&limit=1&after=${head}`)
    expect(first.headers['content-type']).toContain('text/csv')
    const [names, entry] = (await first.body.text()).split('\r\n')
    expect(names).toBe(
      'position,occurredAt,counterparties,reason,ref,transferId,amountMicros,balanceMicros,actor,requestId',
    )
    expect(entry).toContain(',reserve,change,,')
    const next = /^<(.*)>; rel="next"$/.exec(String(first.headers['link']))?.[1] ?? ''
    const second = await read(next)
    expect(await second.body.text()).toContain(`reserve,"'=HYPERLINK(""x""), for ""Ada""",invoice 7,`)
    expect(second.headers['link']).toBeUndefined()
  })

  test('is empty for an account on which nothing was moved', async () => {
    expect(await statement('agent:new')).toMatchObject({ status: 200, body: { entries: [], next: null } })
    const path = `/v1/treasury/accounts/agent:new/entries?format=csv&after=${head}`
    const { body } = await request(`${council.url}${path}`, { headers: authorized })
    expect(await body.text()).toMatch(/^position,occurredAt,[^\r]*\r\n$/)
  })

  test('does not exist for a name that no account can have', async () => {
    expect(await statement('nonsense')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  test.each(['cursor=x', 'cursor=-1', 'limit=0', 'format=xml', 'page=2'])('refuses ?%s', async (query) => {
    expect(await statement('reserve', `&${query}`)).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
  })
})
