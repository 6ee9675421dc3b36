import { beforeAll, describe, expect, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { serveForTests } from '../support/test-scene.ts'
import { bearer, issueToken } from '../support/tokens.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })

beforeAll(async () => {
  for (const account of ['external', 'reserve']) await executeCommand(scene.council, 'OpenAccount', { account })
})

describe('the operations', () => {
  test('name each part with its kind, and each read model with its lag', async () => {
    const { page, faults, strangers } = await visit('/operations')
    const parts = page.getByRole('region', { name: 'Parts', exact: true })
    const graph = parts.getByRole('listitem').filter({ hasText: 'graph' })
    expect(await graph.textContent()).toContain('missing')
    await parts.getByRole('listitem').filter({ hasText: 'PostgreSQL, with the archive' }).waitFor()
    const row = page.getByRole('row', { name: /^log_index/ })
    await row.getByText('running').waitFor()
    await row.getByRole('img', { name: /at most \d+ events behind/ }).waitFor()
    await page.getByText('Signed in as admin').click()
    await page.getByText('events:read', { exact: false }).waitFor()
    await expectAccessible(page)
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('rebuild a read model by keyboard, and tell when the new one serves', async () => {
    const { page } = await visit('/operations')
    await page.getByRole('button', { name: 'Rebuild tokens' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('tokens was rebuilt, and the new one serves.').waitFor({ timeout: 30_000 })
  })

  test('issue a token that works, show it once, and revoke it after a confirmation', async () => {
    const { page, faults } = await visit('/operations')
    await page.getByRole('button', { name: 'Issue a token…' }).focus()
    await page.keyboard.press('Enter')
    await expectAccessible(page)
    await page.getByLabel('Label').fill('laptop')
    await page.getByLabel('Subject').fill('user:ada')
    await page.getByLabel('treasury:read').check()
    await page.keyboard.press('Enter')
    const token = (await page.getByRole('region', { name: 'the token' }).textContent()) ?? ''
    expect(token).toMatch(/^hac_/)
    await expectAccessible(page)
    const { body } = await apiGet(scene.council, '/v1/me', bearer(token))
    expect(body).toMatchObject({ subject: 'user:ada', scopes: ['chat:send', 'chat:read', 'treasury:read'] })
    expect(Date.parse(String(body['expiresAt'])) - Date.now()).toBeGreaterThan(29 * 86_400_000)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain(token)

    await page.getByRole('button', { name: 'Revoke laptop' }).click()
    await page.getByLabel('Reason').fill('lost')
    await page.keyboard.press('Enter')
    await page.getByText('revoked', { exact: false }).first().waitFor()
    await expect.poll(async () => (await apiGet(scene.council, '/v1/me', bearer(token))).status).toBe(401)
    await expectAccessible(page)
    expect(faults).toEqual([])
  })

  test('say why a token was not issued', async () => {
    const { page } = await visit('/operations')
    await page.getByRole('button', { name: 'Issue a token…' }).click()
    await page.getByLabel('Label').fill('scout')
    await page.getByLabel('Subject').fill('agent:scout')
    await page.getByLabel('tokens:write').check()
    await page.getByRole('button', { name: 'Issue', exact: true }).click()
    await page.getByRole('alert').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('tell a token without the scopes what it lacks, and show the rest', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:bob', scopes: ['chat:read'] })
    const { page } = await visit('/operations', { token })
    await page.getByText('Signed in as user:bob').waitFor()
    await page.getByText('the token lacks the scope ops:audit').waitFor()
    await page.getByText('the token lacks the scope tokens:write').waitFor()
    await page.getByText('PostgreSQL, with the archive').waitFor()
    await expectAccessible(page)
  })

  test('show the fault of a read model that has stopped, how far a rebuild has come, and that the council is away', async () => {
    const { page } = await visit('/')
    const model = { version: 1, generation: 1, position: '1-1', lagEvents: 0, lagMs: 0, fault: null, rebuild: null }
    const progress = { step: 'rebuilding costs', done: 500, total: 2_000, perSecond: 100, remainingMs: 15_000 }
    const fault = { code: 'poison_event', message: 'entries cannot apply event number 7' }
    const projections = [
      { ...model, name: 'entries', state: 'stopped', lagEvents: 1_204, lagMs: 90_500, fault },
      { ...model, name: 'costs', state: 'running', rebuild: { host: 'here', pid: 1, progress } },
    ]
    const lastRebuild = { state: 'running', about: 'costs', progress, failure: null }
    await page.route('**/v1/projections', (route) => route.fulfill({ json: { head: 2_000, projections, lastRebuild } }))
    await page.goto(`${scene.council.url}/operations`)
    const stopped = page.getByRole('row', { name: /^entries/ })
    await stopped.getByText('poison_event: entries cannot apply event number 7').waitFor()
    await stopped.getByText('1,204 events, 90.5 s').waitFor()
    expect(await page.getByRole('button', { name: 'Rebuild entries' }).isDisabled()).toBe(true)
    await page.getByText('generation 2: 500 of 2,000, 100 a second, 15 s left').waitFor()
    await expectAccessible(page)
    await page.route(/projections|health/, (route) => route.abort())
    await page.getByText('The council does not answer', { exact: false }).waitFor()
    await page.getByText('the council at', { exact: false }).waitFor()
  })

  test('fit a phone', async () => {
    const { page } = await visit('/operations', { viewport: { width: 360, height: 740 } })
    await page.getByRole('row', { name: /^log_index/ }).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    await expectAccessible(page)
  })
})
