import { beforeAll, describe, expect, test } from 'vitest'
import { councilClient } from '../../src/client/client.ts'
import { changesBetween } from '../../web/log/changes.ts'
import { executeCommand } from '../support/api-client.ts'
import { browserForTests, expectAccessible } from '../support/browser.ts'
import { newId } from '../support/council.ts'
import { adminToken } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'

const scene = serveForTests({ roles: 'api,worker,projector,archiver', settings: { SEAL_EVERY_EVENTS: '1000000' } })
const { visit } = browserForTests({ url: () => scene.council.url })

const transfer = (amountMicros: number) => {
  const money = { transferId: newId(), from: 'external', to: 'reserve', amountMicros, reason: 'a gift' }
  return executeCommand(scene.council, 'TransferFunds', money)
}
let requestId: string

beforeAll(async () => {
  for (const account of ['external', 'reserve']) await executeCommand(scene.council, 'OpenAccount', { account })
  for (const amountMicros of [3_000_000, 2_000_000]) await transfer(amountMicros)
  const client = councilClient({ url: scene.council.url, token: adminToken })
  const answer = client.ask({ text: 'What is the capital of France?', path: 'fast' })
  requestId = answer.requestId
  expect(await answer.ending()).toMatchObject({ type: 'completed' })
})

describe('the log', () => {
  test('is explored by keyboard alone: filters, events, causes and states', async () => {
    const { page, faults, strangers } = await visit('/log')
    await page.getByRole('option').first().waitFor()
    await expectAccessible(page)
    await page.getByLabel('stream').fill('account/reserve')
    await page.keyboard.press('Enter')
    await page.getByText(/^4 events/).waitFor()
    expect(new URL(page.url()).search).toBe('?stream=account%2Freserve')
    await page.getByRole('listbox').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('j')
    const event = page.getByRole('region', { name: 'Event' })
    await event.getByRole('heading', { name: 'AccountCredited' }).waitFor()
    await event.getByText('a gift').waitFor()
    await event.getByRole('link', { name: 'AccountDebited' }).waitFor()
    await event.getByText('5000000').waitFor()
    await event.getByText('was 3000000').waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Enter')
    await event.getByRole('slider', { name: 'Revision' }).focus()
    await page.keyboard.press('Home')
    await event.getByText('It is the first of the stream.').waitFor()
    await page.keyboard.press('Escape')
    await event.waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement.role')).toBe('listbox')
    expect({ faults, strangers }).toEqual({ faults: [], strangers: [] })
  })

  test('shows from a link what caused an answer, and keeps its filters in the address', async () => {
    const { page, faults } = await visit(`/log?request=${requestId}`)
    await page.getByRole('option').filter({ hasText: 'AnswerCompleted' }).click()
    const event = page.getByRole('region', { name: 'Event' })
    await event.getByRole('link', { name: 'PromptSubmitted' }).click()
    await event.getByRole('heading', { name: 'PromptSubmitted' }).waitFor()
    await event.getByText('What is the capital of France?').waitFor()
    expect(await page.getByLabel('request').inputValue()).toBe(requestId)
    await page.reload()
    await event.getByRole('heading', { name: 'PromptSubmitted' }).waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByRole('option').filter({ hasText: 'AccountOpened' }).first().waitFor()
    expect(faults).toEqual([])
  })

  test('follows what is recorded, also over a lost connection, each event once', async () => {
    const { page, cut } = await visit('/log?stream=account/external')
    const rows = page.getByRole('option')
    await rows.first().waitFor()
    const before = await rows.count()
    await transfer(1_000_000)
    await rows.nth(before).waitFor()
    await cut()
    for (const amountMicros of [1, 2, 3]) await transfer(amountMicros)
    await rows.nth(before + 3).waitFor()
    const shown = await rows.allTextContents()
    const recorded = (await scene.log.events()).filter(({ stream }) => stream === 'account/external')
    expect(shown.map((text) => Number(/@(\d+)/.exec(text)?.[1]))).toEqual(
      recorded.map(({ revision }) => revision).toReversed(),
    )
    await page.getByLabel('follow new events').uncheck()
  })

  test('says when a filter is wrong, and when nothing matches', async () => {
    const { page } = await visit('/log')
    await page.getByLabel('type').fill('NoSuchType')
    await page.keyboard.press('Enter')
    await page.getByText('must be types of events', { exact: false }).waitFor()
    await page.getByLabel('type').fill('TreasuryFrozen')
    await page.keyboard.press('Enter')
    await page.getByText('No event matches.').waitFor()
  })

  test('is verified with a verdict', async () => {
    const { page, faults } = await visit('/log')
    await page.getByRole('button', { name: 'Verify the log' }).click()
    await page.getByRole('button', { name: 'Stop verifying' }).waitFor()
    await page.getByText(/✓ no fault in \d+ events/).waitFor({ timeout: 30_000 })
    await page.getByText(/open questions?$/).click()
    await page.getByText('whether the owner of this machine', { exact: false }).waitFor()
    await expectAccessible(page)
    expect(faults).toEqual([])
  })

  test('fits a phone', async () => {
    const { page } = await visit('/log', { viewport: { width: 360, height: 740 } })
    await page.getByRole('option').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    await page.getByRole('button', { name: 'Filters, seals' }).click()
    await page.getByLabel('stream').waitFor()
    await expectAccessible(page)
    await page.getByRole('option').first().click()
    await page.getByRole('button', { name: '← the list' }).click()
    await page.getByRole('option').first().waitFor()
  })

  test('tells a token without the scope what it lacks', async () => {
    const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:read'] })
    const { page } = await visit('/log', { token })
    await page.getByText('the token lacks the scope events:read', { exact: false }).waitFor()
    await page.getByText('the token lacks the scope ops:audit', { exact: false }).waitFor()
    await expectAccessible(page)
  })
})

describe('a log of 10,000 events', () => {
  test('keeps a few rows in the page, and reaches both ends by keys', async () => {
    const { page, faults } = await visit('/')
    await page.route('**/v1/events?*', async (route) => {
      const query = new URL(route.request().url()).searchParams
      const from = Number(query.get('cursor') ?? 10_000)
      const limit = Number(query.get('limit'))
      const events = Array.from({ length: Math.min(limit, from) }, (_, index) => eventNo(from - index))
      await route.fulfill({ json: { events, next: from > limit ? String(from - limit) : null } })
    })
    await page.goto(`${scene.council.url}/log`)
    await page.getByLabel('follow new events').uncheck()
    const rows = page.getByRole('listbox')
    await rows.focus()
    const count = page.locator('.count')
    for (let presses = 0; presses < 40 && !(await count.textContent())?.startsWith('10,000 events'); presses++) {
      await page.keyboard.press('End')
      await page.evaluate('new Promise(requestAnimationFrame)')
    }
    await page.getByText('10,000 events').waitFor()
    expect(await page.getByRole('option').count()).toBeLessThan(100)
    await page.route('**/v1/events/*', (route) => route.fulfill({ status: 404, json: { code: 'not_found' } }))
    for (const [key, number] of [
      ['Home', 10_000],
      ['End', 1],
      ['Home', 10_000],
    ] as const) {
      await page.keyboard.press(key)
      await page.locator(`[role=option][aria-selected=true][aria-posinset="${10_001 - number}"]`).waitFor()
      expect(await page.getByRole('option').count()).toBeLessThan(100)
    }
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([])
  })
})

const eventNo = (n: number) => ({
  ...{ position: `${1_795_000_000_000 + n}-0`, stream: `chat/${n}`, revision: 1, type: 'PromptSubmitted', version: 1 },
  data: { text: `question ${n}` },
  metadata: { actor: 'user:ada', occurredAt: new Date(1_795_000_000_000 + n).toISOString() },
})

describe('the changes between two states', () => {
  test.each<[string, unknown, unknown, [string, unknown][]]>([
    ['of equal states are none', { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
    [
      'name the innermost part',
      { a: { b: 1, c: 2 } },
      { a: { b: 3, c: 2 } },
      [['/a/b', { kind: 'changed', before: 1 }]],
    ],
    ['name what is new', { a: {} }, { a: { b: 1 } }, [['/a/b', { kind: 'added' }]]],
    ['name what is gone', { a: { b: 1 } }, { a: {} }, [['/a/b', { kind: 'removed', before: 1 }]]],
    ['see a list become longer', { a: [1] }, { a: [1, 2] }, [['/a/1', { kind: 'added' }]]],
    ['see a value become an object', { a: null }, { a: {} }, [['/a', { kind: 'changed', before: null }]]],
  ])('%s', (_, before, after, changes) => {
    expect([...changesBetween(before, after)]).toEqual(changes)
  })
})
