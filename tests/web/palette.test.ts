import { describe, expect, test } from 'vitest'
import { executeCommand } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { browserForTests, expectAccessible, type Visit } from '../support/browser.ts'
import { adminToken } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'
import { matching, placeInLog, type Entry } from '../../web/palette/entries.ts'

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })
const pathOf = (page: Visit['page']): string => new URL(page.url()).pathname
const palette = (page: Visit['page']) => page.getByRole('dialog', { name: 'Search and commands' })

describe('what the palette finds', () => {
  const entry = (title: string, note = ''): Entry => ({ id: title, kind: 'page', title, note, run: () => undefined })
  test('has all words in its title or its note, and begins with them if it is first', () => {
    const entries = [
      entry('Theme: dark', 'light, dark'),
      entry('The dark harbour'),
      entry('Dark matter'),
      entry('Money'),
    ]
    expect(matching(entries, 'dark').map(({ title }) => title)).toEqual([
      ...['Dark matter', 'Theme: dark', 'The dark harbour'],
    ])
    expect(matching(entries, 'the dark').map(({ title }) => title)).toEqual(['Theme: dark', 'The dark harbour'])
    expect(matching(entries, 'theme: light').map(({ title }) => title)).toEqual(['Theme: dark'])
    expect(matching(entries, 'nothing')).toEqual([])
    expect(matching(entries, ' ')).toEqual(entries)
  })

  test('is a place in the log, for the id of a request, a position, or the beginning of a stream', () => {
    const requestId = newId()
    expect(placeInLog(requestId)?.path).toBe(`/log?request=${requestId}`)
    expect(placeInLog('1795703423968-2')?.path).toBe('/log?event=1795703423968-2')
    expect(placeInLog('account/reserve')?.path).toBe('/log?stream=account%2Freserve')
    expect(placeInLog('budget/council/')?.path).toBe('/log?stream=budget%2Fcouncil%2F')
    expect(placeInLog('chat/')?.path).toBe('/log?stream=chat%2F*')
    for (const text of ['money', 'a/b c', '12-3', '<script>']) expect(placeInLog(text)).toBeNull()
  })
})

describe('the palette', () => {
  test('opens with Ctrl K on any page, finds and runs by keyboard alone, and keeps the focus inside', async () => {
    const { page, faults, strangers } = await visit('/money')
    await page.getByRole('heading', { name: 'Money' }).waitFor()
    await page.keyboard.press('Control+k')
    await palette(page).waitFor()
    await expectAccessible(page)
    const field = page.getByRole('combobox', { name: /^Search pages/ })
    for (let presses = 0; presses < 4; presses++) await page.keyboard.press('Tab')
    expect(
      await page.evaluate<boolean>(
        'document.activeElement === document.body || !!document.activeElement.closest("dialog")',
      ),
    ).toBe(true)
    await field.fill('coun')
    expect(await palette(page).getByRole('option', { selected: true }).textContent()).toContain('Council')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Council', level: 1 }).waitFor()
    expect(pathOf(page)).toBe('/council')
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('page')
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('closes with Escape, and gives the focus back', async () => {
    const { page } = await visit('/approvals')
    const button = page.getByRole('button', { name: /^Mode:/ })
    await button.focus()
    await page.keyboard.press('Control+k')
    await palette(page).waitFor()
    await page.keyboard.press('ArrowUp')
    expect(await palette(page).getByRole('option', { selected: true }).count()).toBe(1)
    await page.keyboard.press('Escape')
    await expect.poll(() => palette(page).count()).toBe(0)
    await button.and(page.locator(':focus')).waitFor()
  })

  test('switches themes and the mode, finds conversations and places in the log, and signs out', async () => {
    const { page } = await visit()
    const run = async (words: string): Promise<void> => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: /^Search pages/ }).fill(words)
      await page.keyboard.press('Enter')
    }
    await page.getByLabel('Your question').fill('How deep is the harbour?')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Ask again' }).waitFor()
    const conversation = pathOf(page)
    await run('theme: dark')
    await expect.poll(() => page.evaluate<string>('document.documentElement.dataset.theme')).toBe('dark')
    await run('switch the mode')
    await page.getByRole('dialog', { name: 'Switch the mode' }).waitFor()
    await page.keyboard.press('Escape')
    await run('how deep')
    await expect.poll(() => pathOf(page)).toBe(conversation)
    await run('account/reserve')
    await expect.poll(() => page.url()).toContain('/log?stream=account%2Freserve')
    await run('sign out')
    await page.getByLabel('Token').waitFor()
  })

  test('has a sheet of keys, and fits a phone, where a button opens it', async () => {
    const { page } = await visit('/money', { viewport: { width: 360, height: 740 } })
    await page.getByRole('heading', { name: 'Money' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: /^Search/ }).click()
    await palette(page).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await page.getByRole('combobox', { name: /^Search pages/ }).fill('nothing of the kind')
    await page.getByText('Nothing is found by these words.').waitFor()
    await expectAccessible(page)
  })
})

describe('an address without a page', () => {
  test('says so, with a way on', async () => {
    const { page } = await visit('/nonsense/<img src=x>')
    await page.getByRole('heading', { name: 'Nothing here' }).waitFor()
    await expectAccessible(page)
    await page.getByRole('link', { name: 'chat', exact: true }).click()
    await page.getByRole('heading', { name: 'Ask the council' }).waitFor()
  })
})

describe('a browser that is not signed in', () => {
  test('comes back to the page that it asked for', async () => {
    const { page } = await visit()
    // A dashboard that is still open would itself leave for the sign-in page.
    await page.goto('about:blank')
    await page.context().clearCookies()
    await page.goto(`${scene.council.url}/money?by=model`)
    await page.getByLabel('Token').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Token').fill(adminToken)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Money' }).waitFor()
    expect(new URL(page.url()).search).toBe('?by=model')
  })

  test('leaves for the sign-in page when its token is revoked, and comes back', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:read'] })
    const { page } = await visit('/council', { token })
    await page.getByRole('rowheader', { name: 'Sceptic' }).waitFor()
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    await page.getByLabel('Token').fill(adminToken)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Council', level: 1 }).waitFor()
    expect(pathOf(page)).toBe('/council')
  })
})
