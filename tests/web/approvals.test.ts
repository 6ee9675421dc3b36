import { describe, expect, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })

const money = { from: 'external', to: 'reserve', amountMicros: 5_000_000, reason: 'a gift' }

/** Proposes a transfer as a person does whose actions another person must approve. */
async function proposed(transferId: string): Promise<string> {
  const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:send', 'chat:read'] })
  const action = { action: 'TransferFunds', exactArguments: { ...money, transferId } }
  const { body } = await executeCommand({ url: scene.council.url, token }, 'RequestApproval', action)
  return String(body['approvalId'])
}

async function standing(approvalId: string) {
  const after = (await scene.log.events()).at(-1)?.position
  return (await apiGet(scene.council, `/v1/approvals/${approvalId}?after=${after}`)).body
}

describe('the approvals', () => {
  test('show the exact arguments of what waits, and are approved by keyboard alone', async () => {
    for (const account of ['external', 'reserve']) await executeCommand(scene.council, 'OpenAccount', { account })
    const approvalId = await proposed('gift-1')
    await standing(approvalId)
    const { page, faults, strangers } = await visit('/approvals')
    const action = page.getByRole('listitem', { name: 'TransferFunds' })
    await action.waitFor()
    expect(await action.locator('pre').textContent()).toContain('"transferId": "gift-1"')
    expect(await page.getByLabel('1 waiting').textContent()).toBe('1')
    await expectAccessible(page)
    await page.keyboard.press('j')
    await page.keyboard.press('a')
    await page.getByText('Nothing waits for you.', { exact: false }).waitFor()
    expect(await standing(approvalId)).toMatchObject({
      status: expect.stringMatching(/granted|used/),
      decidedBy: 'admin',
    })
    await expectAccessible(page)
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('are reached from the palette: the most urgent one has the focus, and its keys decide', async () => {
    const approvalId = await proposed('gift-4')
    await standing(approvalId)
    const { page } = await visit('/money')
    await page.getByText('reserve', { exact: true }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: /^Search pages/ }).fill('next waiting')
    await page.keyboard.press('Enter')
    await page.getByRole('listitem', { name: 'TransferFunds' }).and(page.locator(':focus')).waitFor()
    expect(await page.title()).toBe('Approvals · Council')
    await page.keyboard.press('a')
    await page.getByText('Nothing waits for you.', { exact: false }).waitFor()
    expect(await standing(approvalId)).toMatchObject({ status: expect.stringMatching(/granted|used/) as unknown })
  })

  test('are denied with a reason that is recorded', async () => {
    const approvalId = await proposed('gift-2')
    await standing(approvalId)
    const { page } = await visit('/approvals')
    await page.getByRole('button', { name: 'Deny…' }).click()
    await page.getByPlaceholder('Why not?', { exact: false }).fill('not this month')
    await page.keyboard.press('Enter')
    await page.getByText('Nothing waits for you.', { exact: false }).waitFor()
    expect(await standing(approvalId)).toMatchObject({ status: 'denied', reason: 'not this month', decidedBy: 'admin' })
  })

  test('are edited as proposals of their own, with the difference in view', async () => {
    const approvalId = await proposed('gift-3')
    await standing(approvalId)
    const { page } = await visit('/approvals')
    await page.getByRole('button', { name: 'Edit…' }).click()
    const field = page.getByLabel('Arguments', { exact: true })
    await field.fill((await field.inputValue()).replace('5000000', '1000000'))
    expect(await page.locator('.difference .added').textContent()).toContain('1000000')
    expect(await page.locator('.difference .removed').textContent()).toContain('5000000')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Propose the change' }).click()
    await page.getByText('edited by admin', { exact: false }).waitFor()
    expect(await standing(approvalId)).toMatchObject({ status: 'replaced' })
    // The one who changed it may not approve it: another person asked.
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('alert').waitFor()
  })

  test('are shown without the dialog of the mode after the way back has left it open', async () => {
    const { page } = await visit('/money')
    await page.getByRole('link', { name: 'Approvals' }).click()
    await page.getByRole('button', { name: 'Mode: supervised' }).click()
    await page.getByRole('dialog').waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Money' }).waitFor()
    await page.goForward()
    await page.getByRole('button', { name: 'Mode: supervised' }).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  test('switch the mode after a confirmation with a reason', async () => {
    const { page } = await visit('/approvals')
    await page.getByRole('button', { name: 'Mode: supervised' }).click()
    await page.getByRole('radio', { name: 'manual' }).check()
    await expectAccessible(page)
    await page.getByLabel('Reason').fill('an incident')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Mode: manual' }).waitFor()
    expect((await apiGet(scene.council, '/v1/mode')).body).toMatchObject({
      mode: 'manual',
      reason: 'an incident',
      switchedBy: 'admin',
    })
  })
})
