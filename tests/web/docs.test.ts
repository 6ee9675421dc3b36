import { describe, expect, test } from 'vitest'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests({ roles: 'api,projector' })
const { visit } = browserForTests({ url: () => scene.council.url })

describe('the reference of the API', () => {
  test('shows what an operation takes and gives', async () => {
    const { page, faults, strangers } = await visit('/docs')
    await page.getByRole('searchbox').fill('get /v1/costs')
    const costs = page.getByRole('region', { name: 'money' }).locator('details')
    await page.getByText('Needs the scope treasury:read.').waitFor()
    expect(await costs.locator('pre').textContent()).toContain('-H "Authorization: Bearer $COUNCIL_TOKEN"')
    const parameters = page.getByRole('region', { name: 'Parameters, GET /v1/costs' })
    expect(await parameters.getByRole('row', { name: /^limit/ }).textContent()).toContain('integer from 1 to 1000')
    expect(await costs.getByRole('row', { name: /^costMicros/ }).textContent()).toContain('Integer micro-dollars.')
    await expectAccessible(page)
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('has every command with the fields that clients send', async () => {
    const { page } = await visit('/docs#post_v1_commands_TransferFunds')
    const command = page.locator('#post_v1_commands_TransferFunds')
    await command.getByText('Needs the scope treasury:write.').waitFor()
    expect(
      await command
        .getByRole('region', { name: /^Body, / })
        .getByRole('row')
        .count(),
    ).toBe(7)
    expect(await command.locator('pre').textContent()).toContain('Idempotency-Key')
    await page.getByRole('searchbox').fill('nothing has these words')
    await page.getByText('Nothing has all these words.').waitFor()
  })

  test('has the frames of the socket, by keyboard', async () => {
    const { page } = await visit('/docs')
    const socket = page.getByRole('region', { name: 'WebSocket /ws/chat' })
    await socket.locator('summary', { hasText: 'prompt' }).first().press('Enter')
    await socket.getByRole('row', { name: /^text/ }).first().waitFor()
  })

  test('fits a phone', async () => {
    const { page } = await visit('/docs', { viewport: { width: 360, height: 740 } })
    await page.getByRole('searchbox').fill('OpenBounty')
    await page.getByRole('row', { name: /^rewardMicros/ }).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await expectAccessible(page)
  })
})
