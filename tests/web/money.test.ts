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
      .getByRole('combobox', { name: 'by' })
      .selectOption('user')
    await part(/^Costs/)
      .getByRole('rowheader', { name: 'admin' })
      .waitFor()
    expect(new URL(page.url()).search).toBe('?by=user')
    expect(
      await part(/^Costs/)
        .locator('tfoot')
        .textContent(),
    ).toMatch(/^total\$0\.0/)
    await page.getByRole('button', { name: 'why? The cost of admin' }).press('Enter')
    const why = page.getByRole('dialog', { name: /^Why \$0\.0\d+ for admin\?$/ })
    await why.getByText('What is the capital of France?').first().waitFor()
    expect(await why.textContent()).toMatch(/1 model calls for 1 prompts and bounties add up to \$0\.0\d+\.\$/)
    expect(await why.getByRole('link', { name: 'their debits' }).getAttribute('href')).toMatch(/^\/log\?request=/)
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    const file = await page.getByRole('link', { name: 'CSV', exact: true }).first().getAttribute('href')
    const csv = await page.request.get(`${scene.council.url}${file}`)
    expect(await csv.text()).toMatch(/^user,.*\r\nadmin,1,/)
    expect(await part(/^Budgets/).textContent()).toMatch(/soft limit \$8\.00.*forecast \$0\.0/)
    await part(/^Accounts/)
      .getByText('reserve', { exact: true })
      .click()
    const statement = page.getByRole('region', { name: 'statement of reserve' })
    await statement.getByText('the budget of the year').waitFor()
    expect(await statement.getByRole('row').last().textContent()).toMatch(/\+\$5\.00\$5\.00external/)
    await expectAccessible(page)
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('is zoomed by dragging over the plot and by keyboard, and the address keeps the period', async () => {
    await spend()
    const { page, faults } = await visit('/money')
    const plot = page.getByRole('slider', { name: 'Cost per hour, by member' })
    await plot.locator('canvas').waitFor()
    await plot.press('ArrowLeft')
    await plot.press('Shift+ArrowLeft')
    expect(await plot.getAttribute('aria-valuetext')).toMatch(/: \$0/)
    await plot.press('Enter')
    await page.getByRole('button', { name: 'Zoom out' }).waitFor()
    const chosen = new URL(page.url()).searchParams
    const hours = (Date.parse(chosen.get('to') ?? '') - Date.parse(chosen.get('from') ?? '')) / 3_600_000
    // In the first hour of a day there is no hour before it.
    expect([1, 2]).toContain(hours)
    await plot.locator('canvas').waitFor()
    await expectAccessible(page)
    await page.reload()
    await plot.locator('canvas').waitFor()
    expect(await plot.getAttribute('aria-valuemax')).toBe(String(hours - 1))
    await page.getByRole('button', { name: 'Zoom out' }).click()
    await expect.poll(() => new URL(page.url()).search).toBe('')

    await expect.poll(() => plot.getAttribute('aria-valuemax')).not.toBe(String(hours - 1))
    const drag = async (): Promise<number> => {
      // The plot is drawn anew when its figures come.
      const box = await plot.locator('.u-over').boundingBox()
      if (box === null) return 0
      await page.mouse.move(box.x + box.width * 0.3, box.y + 40)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 5 })
      await page.mouse.up()
      return page.getByRole('button', { name: 'Zoom out' }).count()
    }
    await expect.poll(drag, { timeout: 20_000, interval: 500 }).toBe(1)
    expect(faults).toEqual([])
  })

  test('fits a phone, and shows reasons as text', async () => {
    await spend()
    const reason = '<img src=x onerror=alert(1)> \u202Efor ever\u202C'
    const gift = { transferId: newId(), from: 'external', to: 'reserve', amountMicros: 1, reason }
    await executeCommand(scene.council, 'TransferFunds', gift)
    const { page, faults, strangers } = await visit('/money', { viewport: { width: 360, height: 740 } })
    await page.getByRole('slider').locator('canvas').waitFor()
    await page.getByText('reserve', { exact: true }).click()
    await page.getByText('<img src=x onerror=alert(1)>', { exact: false }).waitFor()
    await page.getByText('The plot in figures').click()
    await page.getByRole('region', { name: 'costs over time' }).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
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
