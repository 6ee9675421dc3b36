import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { queries } from '../../src/api/queries/queries.ts'
import { executeCommand } from '../support/api-client.ts'
import { serveCouncil, adminToken, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings } from '../support/shared-servers.ts'
import { bearer } from '../support/tokens.ts'

let council: ServedCouncil
let head: string
beforeAll(async () => {
  council = await serveCouncil(await councilSettings(), 'api,projector')
  for (const account of ['external', 'reserve', 'agent:ada', 'agent:bob'])
    head = String((await executeCommand(council, 'OpenAccount', { account })).body['position'])
})
afterAll(async () => void (await council.stop()))

const read = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${council.url}${path}`, { headers: { ...bearer(adminToken), ...headers } })

describe('an answer of the API', () => {
  test('has a tag, and comes again only after it has changed', async () => {
    const first = await read(`/v1/treasury/accounts?after=${head}`)
    const tag = first.headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]{22}"$/)
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const same = await read('/v1/treasury/accounts', { 'if-none-match': known })
      expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, tag, ''])
      expect(same.headers.get('x-council-position')).toBe(head)
    }
    const { body } = await executeCommand(council, 'OpenAccount', { account: 'agent:eve' })
    const changed = await read(`/v1/treasury/accounts?after=${String(body['position'])}`, { 'if-none-match': tag })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(tag)
  })

  test('has no tag if it is a problem', async () => {
    const unknown = await read('/v1/treasury/accounts/agent:unknown', { 'if-none-match': '*' })
    expect([unknown.status, unknown.headers.get('etag')]).toEqual([404, null])
  })

  test('is asked for its head alone with HEAD', async () => {
    const answer = await fetch(`${council.url}/v1/treasury/accounts`, { method: 'HEAD', headers: bearer(adminToken) })
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, expect.stringMatching(/^"/)])
  })
})

describe('a list as a CSV file', () => {
  test('has the fields of its rows as columns, and names its next page', async () => {
    const lines: string[] = []
    let path: string | undefined = `/v1/treasury/accounts?limit=2&format=csv&after=${head}`
    while (path !== undefined) {
      const page = await read(path)
      expect(page.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
      lines.push(...(await page.text()).trimEnd().split('\r\n'))
      path = /^<(.+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    }
    const columns = 'account,status,balanceMicros,reservedMicros,limits.dailyMicros,limits.perActionMicros,lastPosition'
    expect(lines[0]).toBe(columns)
    const rows = lines.filter((line) => line !== columns)
    expect(rows.map((line) => line.split(',')[0])).toEqual(expect.arrayContaining(['agent:ada', 'external', 'reserve']))
  })

  const lists = queries.filter(({ table, id }) => table && id === null).map(({ path }) => path)
  test.each(lists)('can be had of %s', async (path) => {
    const answer = await read(`${path}?format=csv`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/csv')])
    expect(await answer.text()).toMatch(/^\w+(\.\w+)?,.*lastPosition|positions\.last/)
  })

  test('does not exist of one thing', async () => {
    expect((await read('/v1/treasury/accounts/reserve?format=csv')).status).toBe(400)
  })
})
