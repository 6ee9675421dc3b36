import { describe, expect, test } from 'vitest'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })
const question = 'How do we plan <img src=x onerror=alert(1)> the harbour?'

/** A question on the full path; resolves with its id. */
async function deliberate(): Promise<string> {
  const client = await scene.connect()
  const requestId = client.ask({ text: question, path: 'full' })
  await client.frame('completed')
  client.close()
  return requestId
}

describe('the council', () => {
  test('has its members before the first vote, and says that there was none', async () => {
    const { page } = await visit('/council')
    await page.getByRole('rowheader', { name: 'Sceptic' }).waitFor()
    await page.getByText('The council has not voted yet.', { exact: false }).waitFor()
    await expectAccessible(page)
  })

  test('shows what members won and cost, and an election with its blind ballots and its recount', async () => {
    const requestId = await deliberate()
    const { page, faults, strangers } = await visit('/council')
    await page.getByRole('heading', { name: question }).waitFor()
    const sceptic = page.getByRole('row', { name: /^Sceptic.*a critical expert/ })
    expect(await sceptic.textContent()).toMatch(/\$0\.0/)
    const ballots = page.getByRole('table', { name: 'Ballots' })
    expect(await ballots.getByRole('row').count()).toBe(4)
    await page.getByText(/^Ranked pairs elects [ABC], the draft of \w+\.$/).waitFor()
    const recount = page.getByRole('region', { name: 'Recount' })
    await recount.getByText('The recount gives the recorded result.').waitFor()
    expect(await recount.getByRole('row').count()).toBe(13)
    expect(await recount.getByRole('row', { name: /^Ranked pairs \(used\)/ }).count()).toBe(1)
    await page.getByText('How the ballots were counted').press('Enter')
    await expectAccessible(page)
    await page.getByRole('link', { name: new RegExp(`^${question.slice(0, 10)}`) }).press('Enter')
    await expect.poll(() => new URL(page.url()).pathname).toBe(`/council/${requestId}`)
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('gives a member the same hue on its page and in the chat', async () => {
    const requestId = await deliberate()
    const { page } = await visit('/council')
    const hueOf = (selector: string): Promise<string> =>
      page.evaluate<string>(
        `getComputedStyle([...document.querySelectorAll('${selector}')].find((one) => one.textContent.includes('Sceptic')), '::before').backgroundColor`,
      )
    await page.getByRole('rowheader', { name: 'Sceptic' }).first().waitFor()
    const hue = await hueOf('.members .swatch')
    const { body } = await (
      await fetch(`${scene.council.url}/v1/chats/${requestId}`, {
        headers: { authorization: 'Bearer a-token-for-tests-that-is-long-enough' },
      })
    )
      .json()
      .then((chat) => ({ body: chat as { conversationId: string } }))
    await page.goto(`${scene.council.url}/chat/${body.conversationId}`)
    await page.getByRole('button', { name: 'How it was made' }).click()
    await page.getByRole('heading', { name: /Sceptic/ }).waitFor()
    expect(await hueOf('.draft h3')).toBe(hue)
  })

  test('fits a phone, where the election is picked from a list', async () => {
    await deliberate()
    const { page } = await visit('/council', { viewport: { width: 360, height: 740 } })
    await page.getByRole('combobox', { name: 'Election' }).waitFor()
    await page.getByRole('region', { name: 'Recount' }).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await expectAccessible(page)
  })

  test('says which scope is missing, and when there is no such election', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['treasury:read'] })
    const { page } = await visit('/council', { token })
    await page.getByText('chat:read', { exact: false }).first().waitFor()
    const { page: other } = await visit('/council/0192f0c4-7d3a-7000-8000-000000000000')
    await other.getByText('there is no such election').first().waitFor()
  })
})
