import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { browserForTests, type Visit } from '../support/browser.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { freePort } from '../support/free-port.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { startPostgres, startRedis } from '../support/servers.ts'
import { councilSettings } from '../support/shared-servers.ts'
import { serveForTests } from '../support/test-scene.ts'
import { issueToken } from '../support/tokens.ts'

type Council = { url: string }

const scene = serveForTests()
const { visit } = browserForTests({ url: () => scene.council.url })
const connected = (page: Visit['page']) => page.getByRole('status').getByText('connected', { exact: true }).waitFor()

/** What another client does. Each resolves with a text that the page then shows. */
async function openAccount(council: Council = scene.council): Promise<string> {
  const account = `agent:a${newId().slice(-8)}`
  expect((await executeCommand(council, 'OpenAccount', { account })).status).toBe(200)
  return account
}

async function proposeBounty(): Promise<string> {
  const title = `Paint the quay ${newId().slice(-8)}`
  const offer = { rewardMicros: 1_000_000, bonusMicros: 0, claimSeconds: 3_600 }
  const deadline = new Date(Date.now() + 86_400_000).toISOString()
  const bounty = { title, task: 'Blue.', criteria: 'All of it.', ...offer, deadline }
  expect((await executeCommand(scene.council, 'ProposeBounty', bounty)).status).toBe(200)
  return title
}

async function proposeTransfer(): Promise<string> {
  const transferId = newId()
  const { token } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:send', 'chat:read'] })
  const exactArguments = { from: 'external', to: 'reserve', amountMicros: 5, reason: 'a gift', transferId }
  const action = { action: 'TransferFunds', exactArguments }
  expect((await executeCommand({ ...scene.council, token }, 'RequestApproval', action)).status).toBe(202)
  return transferId
}

async function askPrompt(path: 'fast' | 'full' = 'fast'): Promise<string> {
  const text = `Is the quay dry? ${newId().slice(-8)}`
  const client = await connectChat(scene.council.url)
  client.ask({ text, path })
  await client.frame('completed')
  return text
}

describe('a change that another client makes', () => {
  test.each([
    ['the chat', '/', askPrompt],
    ['the approvals', '/approvals', proposeTransfer],
    ['the money', '/money', openAccount],
    ['the bounties', '/money/bounties', proposeBounty],
    ['the council', '/council', () => askPrompt('full')],
  ])('appears in %s without a reload', async (_, path, make) => {
    const { page, faults } = await visit(path)
    await connected(page)
    const text = await make()
    await page.getByText(text, { exact: false }).filter({ visible: true }).first().waitFor()
    expect(faults).toEqual([])
  })

  test('appears in the status line and in the badge of every page, and goes again', async () => {
    const { page } = await visit('/money')
    await page.getByText('supervised', { exact: true }).waitFor()
    await connected(page)
    const before = (await apiGet(scene.council, '/v1/approvals?status=waiting')).body['approvals'] as unknown[]
    const { body } = await executeCommand(scene.council, 'SwitchMode', { mode: 'manual', reason: 'a test' })
    expect(body['result']).toBe('appended')
    await page.getByText('manual', { exact: true }).waitFor()
    await proposeTransfer()
    await page.getByLabel(`${before.length + 1} waiting`).waitFor()
    const { body: after } = await apiGet(scene.council, '/v1/approvals?status=waiting')
    for (const { approval } of after['approvals'] as { approval: string }[])
      await executeCommand(scene.council, 'DenyApproval', { approvalId: approval, reason: 'a test' })
    await page.locator('.badge').waitFor({ state: 'detached' })
  })
})

describe('live figures', () => {
  const rows = (page: Visit['page']) => page.locator('details.account summary > span:first-child').allTextContents()

  test('go on after the connection was cut, with what happened meanwhile, each thing once', async () => {
    const { page, cut } = await visit('/money')
    await connected(page)
    const first = await openAccount()
    await page.getByText(first).waitFor()
    await cut()
    await page.getByText('connection lost', { exact: false }).waitFor()
    const whileAway = await openAccount()
    await page.getByText(whileAway).waitFor()
    await connected(page)
    const later = await openAccount()
    await page.getByText(later).waitFor()
    const shown = await rows(page)
    expect(shown).toEqual(expect.arrayContaining([first, whileAway, later]))
    expect(new Set(shown).size).toBe(shown.length)
  })

  test('go on after the server was started again, also where a page was changed meanwhile', async () => {
    const settings = { ...scene.settings, PORT: String(await freePort()) }
    const first = await serveCouncil(settings, 'api')
    onTestFinished(first.kill)
    const { page } = await visit('/money', {}, first.url)
    await connected(page)
    expect(await first.stop()).toBe(0)
    await page.getByText('connection lost', { exact: false }).waitFor()
    const whileAway = await openAccount()
    await page.getByRole('link', { name: 'Bounties' }).click()
    const second = await serveCouncil(settings, 'api')
    onTestFinished(second.kill)
    await connected(page)
    const title = await proposeBounty()
    await page.getByText(title).waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByText(whileAway).waitFor()
    const later = await openAccount()
    await page.getByText(later).waitFor()
    const shown = await rows(page)
    expect(new Set(shown).size).toBe(shown.length)
  })

  test('end with the token: the page goes to the sign-in page', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:eve', scopes: ['treasury:read'] })
    const { page } = await visit('/money', { token })
    await connected(page)
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    await page.getByLabel('Token').waitFor()
  })
})

describe('an outage', () => {
  let postgres: PostgresServer
  let redis: RedisServer
  let council: ServedCouncil
  beforeAll(async () => {
    ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
    const settings = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, VLLM_URL: scene.model.url }
    council = await serveCouncil(await councilSettings(settings))
  })
  afterAll(async () => {
    await council.kill()
    await Promise.all([postgres.stop(), redis.stop()])
  })

  test('of the read models is shown, with the figures that were there, and ends by itself', async () => {
    const { page } = await visit('/money', {}, council.url)
    await connected(page)
    const before = await openAccount(council)
    await page.getByText(before).waitFor()
    await postgres.kill()
    const during = await openAccount(council)
    await page.getByText('figures may be old', { exact: false }).waitFor()
    expect(await page.getByText(before).count()).toBe(1)
    await page.getByRole('link', { name: /^Degraded: .*read models/ }).waitFor()
    await postgres.start()
    await page.getByText(during).waitFor({ timeout: 50_000 })
    await connected(page)
  })

  test('of Redis leaves no page dead', async () => {
    const { page } = await visit('/money', {}, council.url)
    await connected(page)
    await redis.kill()
    await redis.start()
    await expect
      .poll(
        async () => {
          const account = `agent:a${newId().slice(-8)}`
          const { status } = await executeCommand(council, 'OpenAccount', { account })
          return status === 200 ? account : null
        },
        { timeout: 30_000 },
      )
      .not.toBeNull()
    const later = await openAccount(council)
    await page.getByText(later).waitFor()
  })
})
