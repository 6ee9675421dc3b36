import { describe, expect, onTestFinished, test } from 'vitest'
import type { TokenScope } from '../../src/events/token.ts'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { bearer, issueToken } from '../support/tokens.ts'

const scene = serveForTests({ roles: 'api,worker,projector' })
const execute = (name: string, fields: object, token = adminToken) =>
  executeCommand({ url: scene.council.url, token }, name, fields)
const issue = (subject: string, scopes: readonly TokenScope[], more: { by?: string; expiresAt?: string } = {}) =>
  issueToken(scene.council, { subject, scopes, ...more })
const revoke = (tokenId: string) => execute('RevokeToken', { tokenId, reason: 'a test' })

/** Reads a path once the read models show everything that the log has. */
async function shown(path: string, token: string) {
  const after = (await scene.log.events()).at(-1)?.position
  return apiGet(scene.council, `${path}${path.includes('?') ? '&' : '?'}after=${after}`, bearer(token))
}

/** Another process of the same council. */
async function replica(settings: Record<string, string> = {}): Promise<ServedCouncil> {
  const council = await serveCouncil({ ...scene.settings, ...settings }, 'api')
  onTestFinished(council.kill)
  return council
}

describe('a token', () => {
  test('admits to what its scopes say, and names the scope that is missing', async () => {
    const { token, answer } = await issue('user:ada', ['treasury:read'])
    expect(answer).toMatchObject({ status: 200, body: { result: 'appended' } })
    expect(await apiGet(scene.council, '/v1/budgets', bearer(token))).toMatchObject({ status: 200 })
    const refused = await apiGet(scene.council, '/v1/mode', bearer(token))
    expect(refused).toMatchObject({ status: 403, body: { code: 'scope_missing', details: { scope: 'chat:read' } } })
    expect(refused.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="chat:read"')
  })

  test('leaves no secret in the log, and none in the read model', async () => {
    const { token, tokenId } = await issue('user:ada', ['chat:read'])
    const secret = token.slice(-43)
    expect(JSON.stringify(await scene.log.events())).not.toContain(secret)
    const { body } = await shown('/v1/tokens', adminToken)
    expect(body['tokens']).toEqual(
      expect.arrayContaining([expect.objectContaining({ token: tokenId, subject: 'user:ada', scopes: ['chat:read'] })]),
    )
    expect(JSON.stringify(body)).not.toMatch(/[0-9a-f]{64}/)
  })

  test('issues with at most its own rights, also if the request names another issuer', async () => {
    const parent = await issue('user:ada', ['tokens:write', 'chat:read'])
    const child = await issueToken(scene.council, { scopes: ['chat:read'], by: parent.token })
    expect(child.answer).toMatchObject({ status: 200 })
    const tooMuch = await issueToken(scene.council, { scopes: ['chat:send'], by: parent.token })
    expect(tooMuch.answer).toMatchObject({ status: 422, body: { code: 'scopes_exceed_issuer' } })
    const forged = await execute('IssueToken', { issuers: [], scopes: ['chat:send'], label: 'x' }, parent.token)
    expect(forged).toMatchObject({ status: 400, body: { code: 'malformed_request' } })
    const other = await issueToken(scene.council, { subject: 'user:bob', scopes: ['chat:read'], by: parent.token })
    expect(other.answer).toMatchObject({ status: 422, body: { code: 'subject_not_allowed' } })
  })

  test('of a person lists and revokes only tokens of that person', async () => {
    const ada = await issue('user:ada', ['tokens:write'])
    const bob = await issue('user:bob', ['tokens:write'])
    const { body } = await shown('/v1/tokens', bob.token)
    expect((body['tokens'] as { subject: string }[]).map(({ subject }) => subject)).toEqual(['user:bob'])
    expect(await execute('RevokeToken', { tokenId: ada.tokenId, reason: 'x' }, bob.token)).toMatchObject({
      status: 422,
      body: { code: 'token_unknown' },
    })
    expect(await execute('RevokeToken', { tokenId: bob.tokenId, reason: 'x' }, bob.token)).toMatchObject({
      status: 200,
    })
  })
})

describe('a token that was revoked', () => {
  test('is refused by every process within a second, with every token that it issued', async () => {
    const other = await replica()
    const parent = await issue('user:ada', ['chat:read', 'tokens:write'])
    const child = await issueToken(scene.council, { scopes: ['chat:read'], by: parent.token })
    const status = async (url: string, token: string) => (await apiGet({ url }, '/v1/mode', bearer(token))).status
    for (const { url } of [scene.council, other]) expect(await status(url, child.token)).toBe(200)
    await revoke(parent.tokenId)
    const revokedAtMs = performance.now()
    await expect.poll(() => status(other.url, child.token), { timeout: 5_000, interval: 20 }).toBe(401)
    await expect.poll(() => status(scene.council.url, child.token), { timeout: 5_000, interval: 20 }).toBe(401)
    expect(performance.now() - revokedAtMs).toBeLessThan(2_000)
  })

  test('closes its sockets on every process with 4001, and those of tokens that it issued', async () => {
    const other = await replica()
    const parent = await issue('user:ada', ['chat:read', 'tokens:write'])
    const child = await issueToken(scene.council, { scopes: ['chat:read'], by: parent.token })
    const stays = await connectChat(scene.council.url, bearer((await issue('user:ada', ['chat:read'])).token))
    const sockets = await Promise.all(
      [scene.council, other].flatMap(({ url }) => [parent, child].map(({ token }) => connectChat(url, bearer(token)))),
    )
    for (const socket of sockets) socket.send({ type: 'ping' })
    await Promise.all(sockets.map((socket) => socket.frame('pong')))
    await revoke(parent.tokenId)
    expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual(sockets.map(() => ({ code: 4001 })))
    stays.send({ type: 'ping' })
    await stays.frame('pong')
  })

  test('and a socket of a token that expires closes with 4001', async () => {
    const { token } = await issue('user:ada', ['chat:read'], { expiresAt: new Date(Date.now() + 1_500).toISOString() })
    const socket = await connectChat(scene.council.url, bearer(token))
    expect(await socket.closed).toEqual({ code: 4001 })
    expect((await apiGet(scene.council, '/v1/mode', bearer(token))).status).toBe(401)
  })
})

describe('the chats of another subject', () => {
  test('do not exist for one without chat:read-all', async () => {
    const chat: TokenScope[] = ['chat:send', 'chat:read', 'treasury:read']
    const ada = await issue('user:ada', chat)
    const bob = await issue('user:bob', chat)
    const auditor = await issue('user:eve', ['chat:read', 'chat:read-all', 'treasury:read'])
    const asker = await connectChat(scene.council.url, bearer(ada.token))
    const requestId = asker.ask({ path: 'full' })
    await asker.frame('completed')

    const stranger = await connectChat(scene.council.url, bearer(bob.token))
    for (const [count, type] of ['resume', 'cancel'].entries()) {
      for (const [more, id] of [requestId, newId()].entries()) {
        stranger.send({ type, requestId: id })
        const error = await stranger.frame('error', count * 2 + more + 1)
        expect(error).toEqual({ type: 'error', requestId: id, code: 'prompt_unknown', message: error.message })
      }
    }
    expect(new Set(stranger.frames.map((frame) => 'message' in frame && frame.message)).size).toBe(1)

    const elections = async (token: string) => {
      const { body } = await shown('/v1/elections', token)
      return (body['elections'] as { election: string; ref: string }[]).filter(({ ref }) => ref === requestId)
    }
    const [election] = await elections(ada.token)
    expect(await elections(bob.token)).toEqual([])
    expect(await elections(auditor.token)).toEqual([election])
    const path = `/v1/elections/${election?.election}`
    const hidden = await shown(path, bob.token)
    const absent = await shown(`/v1/elections/${newId()}`, bob.token)
    expect([hidden.status, hidden.body]).toEqual([404, absent.body])
    expect(await shown(path, ada.token)).toMatchObject({ status: 200 })

    const costs = async (token: string) => {
      const { body } = await shown('/v1/costs?groupBy=request', token)
      return (body['costs'] as { request: string }[]).map(({ request }) => request)
    }
    expect(await costs(ada.token)).toEqual([requestId])
    expect(await costs(bob.token)).toEqual([])
    expect(await costs(auditor.token)).toContain(requestId)

    const reader = await connectChat(scene.council.url, bearer(auditor.token))
    reader.send({ type: 'resume', requestId })
    expect((await reader.frame('completed')).text).toBe(asker.text())
  })

  test('and what waits for their release can be decided only by one who may read them', async () => {
    await execute('SetApprovalPolicy', { approveAnswers: true })
    await execute('SwitchMode', { mode: 'manual', reason: 'a test' })
    onTestFinished(async () => void (await execute('SwitchMode', { mode: 'supervised', reason: 'the test is over' })))
    const ada = await issue('user:ada', ['chat:send', 'chat:read'])
    const bob = await issue('user:bob', ['chat:read', 'approvals:write'])
    const eve = await issue('user:eve', ['chat:read', 'chat:read-all', 'approvals:write'])
    const asker = await connectChat(scene.council.url, bearer(ada.token))
    asker.ask({ path: 'fast' })
    const { approvalId } = await asker.frame('approval')

    expect(await shown(`/v1/approvals/${approvalId}`, ada.token)).toMatchObject({ status: 200 })
    expect(await shown(`/v1/approvals/${approvalId}`, bob.token)).toMatchObject({ status: 404 })
    const unknown = (id: string) => ({ status: 422, body: { code: 'approval_unknown', details: { approvalId: id } } })
    for (const id of [approvalId, newId()])
      expect(await execute('GrantApproval', { approvalId: id }, bob.token)).toMatchObject(unknown(id))
    const socket = await connectChat(scene.council.url, bearer(bob.token))
    socket.send({ type: 'approve', approvalId })
    expect(await socket.frame('error')).toMatchObject({ code: 'approval_unknown' })
    expect(await execute('GrantApproval', { approvalId }, eve.token)).toMatchObject({ status: 200 })
    await asker.frame('completed')
  })
})

test('four eyes: what an agent or a person proposes runs once another subject has approved it', async () => {
  for (const account of ['external', 'reserve']) await execute('OpenAccount', { account })
  const money = { transferId: 'funds', from: 'external', to: 'reserve', amountMicros: 100_000_000, reason: 'funds' }
  expect(await execute('TransferFunds', money)).toMatchObject({ status: 200 })
  const agent = await issue('agent:scout', ['bounties:write', 'chat:send'])
  const ada = await issue('user:ada', ['chat:send', 'approvals:write'])
  const scout = await issue('agent:scout', ['chat:read'])
  const eve = await issue('user:eve', ['chat:read'])
  const bob = await issue('user:bob', ['approvals:write'])

  const bounty = {
    title: 'A map',
    task: 'Draw a map.',
    criteria: 'It is right.',
    rewardMicros: 60_000_000,
    bonusMicros: 0,
    deadline: new Date(Date.now() + 3_600_000).toISOString(),
  }
  const proposedByAgent = await execute('OpenBounty', bounty, agent.token)
  expect(proposedByAgent).toMatchObject({ status: 202, body: { result: 'approval_required' } })
  const action = 'TransferFunds'
  const exactArguments = { ...money, transferId: 'gift', amountMicros: 5 }
  const proposedByAda = await execute('RequestApproval', { action, exactArguments }, ada.token)
  expect(proposedByAda).toMatchObject({ status: 202 })
  expect(await execute('TransferFunds', exactArguments, ada.token)).toMatchObject({ status: 403 })

  const [ofAgent, ofAda] = [proposedByAgent, proposedByAda].map(({ body }) => ({ approvalId: body['approvalId'] }))
  const proposals = async (token: string) => {
    const { body } = await shown('/v1/approvals?status=waiting', token)
    return (body['approvals'] as { approval: string }[]).map(({ approval }) => approval)
  }
  expect(await proposals(eve.token)).toEqual([])
  expect(await proposals(scout.token)).toEqual([ofAgent?.approvalId])
  expect(await proposals(adminToken)).toEqual([ofAda?.approvalId, ofAgent?.approvalId])
  expect(await execute('GrantApproval', ofAgent!, agent.token)).toMatchObject({
    status: 403,
    body: { code: 'scope_missing', details: { scope: 'approvals:write' } },
  })
  expect(await execute('GrantApproval', ofAda!, ada.token)).toMatchObject({
    status: 422,
    body: { code: 'approver_not_independent' },
  })
  for (const approval of [ofAgent!, ofAda!])
    expect(await execute('GrantApproval', approval, bob.token)).toMatchObject({ status: 200 })
  const happened = async () => {
    const events = (await scene.log.events()) as { type: string; data: Record<string, unknown> }[]
    return [
      events.some(({ type }) => type === 'BountyOpened'),
      events.some(({ type, data }) => type === 'AccountCredited' && data['transferId'] === 'gift'),
    ]
  }
  await expect.poll(happened, { timeout: 20_000 }).toEqual([true, true])
})

test('an agent proposes what its token may do, and what only people may do', async () => {
  const agent = await issue('agent:clerk', ['chat:send'])
  const propose = (action: string, exactArguments: object) =>
    execute('RequestApproval', { action, exactArguments }, agent.token)
  expect(await propose('CancelBounty', { bountyId: newId(), reason: 'a test' })).toMatchObject({
    status: 403,
    body: { code: 'scope_missing', details: { scope: 'bounties:write' } },
  })
  const transfer = { transferId: newId(), from: 'external', to: 'reserve', amountMicros: 60_000_000, reason: 'a test' }
  expect(await propose('TransferFunds', transfer)).toMatchObject({ status: 202 })
})

test('failed logins of one address get 429 beyond the limit, but a right token is still admitted', async () => {
  const limited = await replica({ MAX_FAILED_LOGINS_PER_MINUTE: '3' })
  const { token } = await issue('user:ada', ['chat:read'])
  const get = (headers: Record<string, string>) => apiGet(limited, '/v1/mode', headers)
  for (const wrong of ['a', `${token.slice(0, -1)}!`, `${token}x`])
    expect(await get(bearer(wrong))).toMatchObject({ status: 401 })
  const refused = await get(bearer('d'))
  expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_failed_logins' } })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(30)
  expect(await get({})).toMatchObject({ status: 401 })
  for (const right of [token, adminToken]) expect(await get(bearer(right))).toMatchObject({ status: 200 })
})
