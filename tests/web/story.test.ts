import { describe, expect, test } from 'vitest'
import { apiGet } from '../support/api-client.ts'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'
import { storyOf, type LogEvent } from '../../web/chat/story.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })

describe('the story of an answer', () => {
  test('has every step with its event and its call, and adds up to the cost that the answer states', async () => {
    const client = await scene.connect()
    const requestId = client.ask({ text: 'How should we plan the harbour?', path: 'full' })
    const { positions, costMicros } = await client.frame('completed')
    client.close()
    const path = `/v1/events?request=${requestId}&order=asc&limit=1000&after=${positions.last}`
    const { body } = await apiGet(scene.council, path)
    const events = body['events'] as LogEvent[]
    const story = storyOf(events)
    expect(story).toMatchObject({ billedMicros: costMicros, debitedMicros: costMicros })
    const titles = story.steps.map(({ title }) => title)
    for (const title of ['admin asks', 'On the full path', 'sceptic has a draft', 'analyst has reviewed the drafts'])
      expect(titles).toContain(title)
    expect(titles.at(-1)).toBe('The answer is complete')
    expect(titles.filter((title) => / votes /.test(title))).toHaveLength(3)
    const known = new Set<string>(events.map(({ position }) => position))
    expect(story.steps.filter(({ position }) => !known.has(position))).toEqual([])
    const told = story.steps.reduce((sum, { call }) => sum + (call?.costMicros ?? 0), 0)
    expect(told).toBe(costMicros)
  })

  test('keeps the authors of labels to itself until the vote is over', async () => {
    const client = await scene.connect()
    const requestId = client.ask({ text: 'How should we plan the mole?', path: 'full' })
    const { positions } = await client.frame('completed')
    client.close()
    const path = `/v1/events?request=${requestId}&order=asc&limit=1000&after=${positions.last}`
    const events = (await apiGet(scene.council, path)).body['events'] as LogEvent[]
    const noteOf = (some: readonly LogEvent[]) =>
      storyOf(some).steps.find(({ title }) => title === 'A blind vote opens')?.note
    expect(noteOf(events)).toContain('A is ')
    const opened = events.findIndex(({ type }) => type === 'ElectionOpened')
    expect(noteOf(events.slice(0, opened + 1))).not.toContain(' is ')
    expect(storyOf(events.slice(0, opened + 1)).billedMicros).toBeNull()
  })
})

describe('the drawer that says why', () => {
  test('opens beside an answer, links to the log, closes with Escape, and gives the focus back', async () => {
    const { page, faults, strangers } = await visit()
    scene.model.nextAnswer({ tokens: ['<img src=x onerror=alert(1)>', ' Paris.'] })
    await page.getByLabel('Path').selectOption('fast')
    await page.getByLabel('Your question').fill('What is the capital of France? <script>alert(1)</script>')
    await page.keyboard.press('Enter')
    const why = page.getByRole('button', { name: 'Why this answer?' })
    await why.press('Enter')
    const drawer = page.getByRole('dialog', { name: 'Why this answer?' })
    await drawer.getByText('1 model call for', { exact: false }).waitFor()
    await drawer.getByRole('heading', { name: /^On the fast path/ }).waitFor()
    expect(await drawer.textContent()).toMatch(/: the cost of the answer\./)
    expect(await drawer.getByRole('link').first().getAttribute('href')).toMatch(/^\/log\?/)
    const receipt = drawer.getByRole('link', { name: 'Receipt' })
    expect(await receipt.getAttribute('href')).toMatch(/^\/v1\/chats\/[0-9a-f-]{36}\/receipt$/)
    expect(await receipt.getAttribute('download')).toMatch(/^receipt-[0-9a-f-]{36}\.json$/)
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await expect.poll(() => drawer.count()).toBe(0)
    await why.and(page.locator(':focus')).waitFor()
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('follows an answer that still runs', async () => {
    const { page } = await visit()
    const tokens = Array.from({ length: 300 }, (_, index) => ` w${index}`)
    scene.model.nextAnswer({ tokens, tokensPerSecond: 60 })
    await page.getByLabel('Path').selectOption('fast')
    await page.getByLabel('Your question').fill('Count.')
    await page.keyboard.press('Enter')
    await page.getByText('w5', { exact: false }).waitFor()
    await page.getByRole('button', { name: 'What happens?' }).click()
    const drawer = page.getByRole('dialog')
    await drawer.getByText('0 model calls for $0 so far.').waitFor()
    await drawer.getByText('1 model call for', { exact: false }).waitFor({ timeout: 20_000 })
    await drawer.getByText('The answer is complete').waitFor()
  })

  test('fits a phone', async () => {
    const { page } = await visit('/', { viewport: { width: 360, height: 740 } })
    scene.model.nextAnswer({ tokens: ['x'.repeat(600), ` ${'word '.repeat(200)}`] })
    await page.getByLabel('Path').selectOption('fast')
    await page.getByLabel('Your question').fill(`${'y'.repeat(500)}?`)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Why this answer?' }).click()
    await page.getByRole('dialog').getByText('The answer is complete').waitFor()
    const width = await page.evaluate<number>('document.querySelector("[role=dialog], dialog[open]")?.scrollWidth')
    expect(width).toBeLessThanOrEqual(360)
    await expectAccessible(page)
  })

  test('says which scope is missing', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:send', 'chat:read'] })
    const { page } = await visit('/', { token })
    await page.getByLabel('Your question').fill('Am I here?')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Why this answer?' }).click()
    await page.getByRole('dialog').getByText('events:read', { exact: false }).waitFor()
  })

  test('is not needed to copy an answer', async () => {
    const { page } = await visit('/', { permissions: ['clipboard-read', 'clipboard-write'] })
    scene.model.nextAnswer({ tokens: ['**Paris**', '.'] })
    await page.getByLabel('Path').selectOption('fast')
    await page.getByLabel('Your question').fill('What is the capital?')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe('**Paris**.')
  })
})
