import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { councilClient } from '../src/client/client.ts'
import { readServerFile } from '../src/platform/process/server-file.ts'
import { chromiumPath } from './support/browser.ts'

/**
 * `npm run docs:screenshots -- <DATA_DIR>`: photographs the dashboard of a council that runs on this machine, for docs/images. It asks
 * two questions, opens bounties, and proposes an action that waits, so use a DATA_DIR of its own.
 */
const server = readServerFile(process.argv[2] ?? '.data')
if (!server) throw new Error('no council runs on this DATA_DIR')
const council = councilClient({ url: server.url, token: server.token })
const folder = join(import.meta.dirname, '../docs/images')
await mkdir(folder, { recursive: true })

for (const account of ['external', 'reserve']) await council.execute('OpenAccount', { account })
const deposit = { transferId: 'budget-2026', from: 'external', to: 'reserve', amountMicros: 400_000_000 }
await council.execute('TransferFunds', { ...deposit, reason: 'the budget of the year' })

for (const bounty of bounties()) await council.execute('OpenBounty', bounty)
const survey = { ...bounties()[0], title: 'A survey of the harbour', task: 'Count the berths of each quay.' }
const opened = await council.execute('OpenBounty', survey)
if (opened.result === 'appended') {
  await council.execute('ClaimBounty', { bountyId: opened.key, worker: 'user:ben' })
  const work = 'North quay: 6 berths.\n\nSouth quay: 8 berths.'
  await council.execute('SubmitBountyWork', { bountyId: opened.key, work })
}

const ticket = await fetch(`${server.url}/v1/tickets`, {
  method: 'POST',
  headers: { authorization: `Bearer ${server.token}` },
})
const { path } = (await ticket.json()) as { path: string }

const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox', '--disable-gpu'] })
const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' })
const page = await context.newPage()
await page.goto(`${server.url}${path}`)
await ask(page, 'fast', 'What is the capital of France?')
await page.getByRole('button', { name: 'Ask again' }).waitFor({ timeout: 120_000 })
await ask(page, 'full', 'Name one good reason to learn French, in one sentence.')
await page.getByRole('button', { name: 'Ask again' }).nth(1).waitFor({ timeout: 300_000 })
await photograph('chat')

const action = { action: 'TransferFunds', exactArguments: transfer(), costMicros: 60_000_000, risk: 'high' }
await council.execute('RequestApproval', action)
await page.getByRole('link', { name: 'Approvals' }).click()
await page.getByRole('listitem', { name: 'TransferFunds' }).first().waitFor()
await photograph('approvals')
await page.getByRole('link', { name: 'Money' }).click()
await page.getByRole('slider').locator('canvas').waitFor()
await photograph('money')
await page.getByRole('link', { name: 'Bounties' }).click()
await page.getByRole('link', { name: 'A survey of the harbour' }).waitFor()
await photograph('bounties')
await page.getByRole('link', { name: 'Council', exact: true }).click()
await page.getByRole('region', { name: 'Recount' }).waitFor()
await photograph('council')
await page.getByRole('link', { name: 'Chat' }).click()
await page.getByRole('link', { name: /capital of France/ }).click()
await page.getByRole('button', { name: 'Why this answer?' }).last().click()
await page.getByText('the cost of the answer', { exact: false }).waitFor()
await photograph('why')
await page.goto(`${server.url}/log?stream=account%2Freserve`)
await page.getByRole('option').first().click()
await page.getByText('Marked: what it changed.').waitFor()
await photograph('log')
await page.getByRole('link', { name: 'Operations' }).click()
await page.getByRole('row', { name: /^log_index/ }).waitFor()
await photograph('operations')
await browser.close()

async function ask(on: Page, route: 'fast' | 'full', question: string): Promise<void> {
  await on.getByLabel('Path').selectOption(route)
  await on.getByLabel('Your question').fill(question)
  await on.keyboard.press('Enter')
}

function transfer() {
  return { transferId: 'invoice-2026-11', from: 'external', to: 'reserve', amountMicros: 60_000_000, reason: 'invoice' }
}

function bounties() {
  const offer = { rewardMicros: 8_000_000, bonusMicros: 2_000_000, claimSeconds: 7_200 }
  const deadline = new Date(Date.now() + 3 * 86_400_000).toISOString()
  const texts = {
    task: 'Find suppliers in the region, with prices and lead times.',
    criteria: 'Every price has a source.',
  }
  return ['Suppliers of timber', 'Suppliers of copper cable'].map((title) => ({ title, ...texts, ...offer, deadline }))
}

/** The page in both themes, and on a phone. */
async function photograph(name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 360, height: 740 })
  await page.screenshot({ path: join(folder, `${name}-phone.png`) })
  await page.setViewportSize({ width: 1280, height: 860 })
}
