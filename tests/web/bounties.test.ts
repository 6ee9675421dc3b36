import { describe, expect, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { newId } from '../support/council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })
const hostile = '<img src=x onerror=alert(1)>'

async function fund(): Promise<void> {
  for (const account of ['external', 'reserve']) await executeCommand(scene.council, 'OpenAccount', { account })
  const deposit = { from: 'external', to: 'reserve', amountMicros: 50_000_000, reason: 'the budget of the year' }
  await executeCommand(scene.council, 'TransferFunds', { ...deposit, transferId: newId() })
}

async function openBounty(title: string): Promise<string> {
  const bountyId = newId()
  const texts = { title, task: `List the berths. ${hostile}`, criteria: 'All of them, and no other.' }
  const offer = { rewardMicros: 8_000_000, bonusMicros: 2_000_000, claimSeconds: 3_600 }
  const deadline = new Date(Date.now() + 86_400_000).toISOString()
  await executeCommand(scene.council, 'OpenBounty', { ...texts, ...offer, deadline }, bountyId)
  return bountyId
}

/** Waits until the council has judged the work of a bounty. */
const judged = (bountyId: string): Promise<unknown> =>
  expect
    .poll(async () => (await apiGet(scene.council, `/v1/bounties/${bountyId}`)).body['status'], { timeout: 30_000 })
    .toMatch(/awarded|rejected/)

describe('the bounties', () => {
  test('are a board without a card until one is proposed', async () => {
    const { page } = await visit('/money/bounties')
    await page.getByText('No bounty was proposed yet.', { exact: false }).waitFor()
    await expectAccessible(page)
  })

  test('are in the column of their state, and open to the work, the vote and the money by keyboard alone', async () => {
    await fund()
    const open = await openBounty(`Suppliers ${hostile}`)
    const done = await openBounty('The berths')
    await executeCommand(scene.council, 'ClaimBounty', { bountyId: done, worker: 'user:ben' })
    await executeCommand(scene.council, 'SubmitBountyWork', { bountyId: done, work: `North quay: 6. ${hostile}` })
    await judged(done)
    const { page, faults, strangers } = await visit('/money/bounties')
    const column = (name: string) => page.getByRole('region', { name, exact: true })
    await column('Open').getByRole('link', { name: hostile }).waitFor()
    await column('Ended').getByRole('link', { name: 'The berths' }).focus()
    await page.keyboard.press('Enter')
    const story = page.getByRole('dialog', { name: 'The berths' })
    await story.getByRole('table', { name: 'Ballots' }).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/money/bounties/${done}`)
    const text = (await story.textContent()) ?? ''
    for (const part of [
      'Opened by admin',
      '$10.00 moved',
      'Claimed by user:ben',
      'North quay: 6.',
      'Judged',
      'reserve',
    ])
      expect(text).toContain(part)
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await expect.poll(() => story.count()).toBe(0)
    expect(new URL(page.url()).pathname).toBe('/money/bounties')
    await page.goto(`${scene.council.url}/money/bounties/${open}`)
    await page.getByRole('dialog').getByText('List the berths.', { exact: false }).waitFor()
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('fit a phone, and say when there is no such bounty', async () => {
    await openBounty('x'.repeat(200))
    const { page } = await visit(`/money/bounties/${newId()}`, { viewport: { width: 360, height: 740 } })
    await page.getByRole('dialog').getByText('there is no such bounty').waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Close' }).click()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
  })

  test('say which scope is missing', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['treasury:read'] })
    const { page } = await visit('/money/bounties', { token })
    await page.getByText('chat:read', { exact: false }).first().waitFor()
  })
})
