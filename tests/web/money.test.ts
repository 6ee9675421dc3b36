import { describe, expect, test } from 'vitest'
import { executeCommand } from '../support/api-client.ts'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })

/** A deposit, and an answered prompt. */
async function spend(): Promise<void> {
  for (const account of ['external', 'reserve']) await executeCommand(scene.council, 'OpenAccount', { account })
  const deposit = { from: 'external', to: 'reserve', amountMicros: 5_000_000, reason: 'the budget of the year' }
  await executeCommand(scene.council, 'TransferFunds', { ...deposit, transferId: newId() })
  const client = await scene.connect()
  client.ask({ text: 'What is the capital of France?', path: 'fast' })
  await client.frame('completed')
  client.close()
}

describe('the money', () => {
  test('shows budgets, costs by any grouping and accounts, and each balance opens to its entries', async () => {
    await spend()
    const { page, faults, strangers } = await visit('/money')
    const part = (name: RegExp) => page.getByRole('region', { name })
    await part(/^Budgets/)
      .getByText('council', { exact: true })
      .waitFor()
    expect(
      await part(/^Budgets/)
        .getByRole('img')
        .first()
        .getAttribute('aria-label'),
    ).toMatch(/% spent, soft limit at 80 %/)
    await part(/^Costs/)
      .getByRole('rowheader', { name: 'council' })
      .waitFor()
    await part(/^Costs/)
      .getByLabel('by')
      .selectOption('user')
    await part(/^Costs/)
      .getByRole('rowheader', { name: 'admin' })
      .waitFor()
    expect(
      await part(/^Costs/)
        .locator('tfoot')
        .textContent(),
    ).toMatch(/^total\$0\.0/)
    await part(/^Accounts/)
      .getByText('reserve', { exact: true })
      .click()
    const statement = page.getByRole('region', { name: 'statement of reserve' })
    await statement.getByText('the budget of the year').waitFor()
    expect(await statement.getByRole('row').last().textContent()).toMatch(/\+\$5\.00\$5\.00external/)
    await expectAccessible(page)
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('says which scope is missing', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:send', 'chat:read'] })
    const { page } = await visit('/money', { token })
    await page.getByText('treasury:read', { exact: false }).first().waitFor()
    await page.getByRole('link', { name: 'Chat' }).click()
    await page.getByRole('heading', { name: 'Ask the council' }).waitFor()
  })
})
