import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readModels } from '../../../src/projections/read-models.ts'
import { apiGet, apiPost, authorized, executeCommand } from '../../support/api-client.ts'
import { serveCouncil, type ServedCouncil } from '../../support/served-council.ts'
import { councilSettings } from '../../support/shared-servers.ts'
import { serveForTests } from '../../support/test-scene.ts'
import { bearer, issueToken } from '../../support/tokens.ts'

vi.setConfig({ testTimeout: 60_000 })
const roles = 'api,projector,archiver'
const scene = serveForTests({ roles, settings: { SEAL_EVERY_EVENTS: '1' } })

const get = async (path: string, of: { url: string } = scene.council) => (await apiGet(of, path)).body
const post = (path: string, of: { url: string } = scene.council) => apiPost(of, path, '', authorized)
const cancel = async (of: { url: string } = scene.council) => {
  const response = await fetch(`${of.url}/v1/verification`, { method: 'DELETE', headers: authorized })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** Asks until the answer is as expected. */
const until = (ask: () => Promise<Record<string, unknown>>, isThere: (body: Record<string, unknown>) => boolean) =>
  vi.waitFor(
    async () => {
      const body = await ask()
      expect(isThere(body)).toBe(true)
      return body
    },
    { timeout: 30_000, interval: 20 },
  )
const hasEnded = ({ state }: Record<string, unknown>) => state !== 'running'

/** The processes that a council has started. */
const childrenOf = ({ child: { pid } }: ServedCouncil): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

beforeAll(async () => {
  for (const account of ['external', 'reserve']) await executeCommand(scene.council, 'OpenAccount', { account })
})

describe('the standing of the log', () => {
  test('shows head, archive, seals and the key', async () => {
    const body = await until(
      () => get('/v1/log'),
      ({ seals }) => (seals as { count: number }).count > 0,
    )
    const [newest] = (await scene.log.events()).toReversed()
    expect(body).toMatchObject({
      head: { position: newest?.position, sequence: newest?.sequence },
      archive: { trimmed: 0, chainHead: expect.stringMatching(/^[0-9a-f]{64}$/) },
      seals: {
        newest: { upTo: { sequence: expect.any(Number) }, keyId: expect.stringMatching(/^[0-9a-f]{16}$/) },
        key: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    })
    const { key } = body['seals'] as { key: { keyId: string; sha256: string } }
    expect(key.sha256.startsWith(key.keyId)).toBe(true)
  })
})

describe('the read models', () => {
  type Projections = { projections: Record<string, unknown>[]; lastRebuild: Record<string, unknown> | null }
  const projections = async () => (await get('/v1/projections')) as Projections
  const one = async (name: string) => (await projections()).projections.find((model) => model['name'] === name)

  test('are listed with their state and their lag', async () => {
    await until(get.bind(null, '/v1/projections'), (body) =>
      (body as Projections).projections.every(({ lagEvents }) => lagEvents === 0),
    )
    const { projections: listed } = await projections()
    expect(listed.map(({ name }) => name)).toEqual(readModels.map(({ name }) => name))
    expect(listed[0]).toMatchObject({ state: 'running', lagMs: 0, generation: 1, fault: null, rebuild: null })
  })

  test('are rebuilt, one at a time, while the old one serves', async () => {
    const started = await post('/v1/projections/log_index/rebuild')
    expect(started).toMatchObject({ status: 202, body: { state: 'running', about: 'log_index', startedBy: 'admin' } })
    for (const name of ['log_index', 'tokens']) {
      const { status, body } = await post(`/v1/projections/${name}/rebuild`)
      expect([status, body['code']]).toEqual([409, 'rebuild_running'])
    }
    expect(await one('log_index')).toMatchObject({ generation: 1, rebuild: { startedAt: expect.any(String) } })
    const { lastRebuild } = (await until(get.bind(null, '/v1/projections'), (body) =>
      hasEnded((body as Projections).lastRebuild ?? {}),
    )) as Projections
    expect(lastRebuild).toMatchObject({ state: 'done', failure: null, endedAt: expect.any(String) })
    expect(await one('log_index')).toMatchObject({ generation: 2, rebuild: null })
  })

  test('are not rebuilt under an unknown name, nor without the scope', async () => {
    expect((await post('/v1/projections/wardrobe/rebuild')).status).toBe(404)
    const { token } = await issueToken(scene.council, { scopes: ['ops:audit'] })
    const refused = await apiPost(scene.council, '/v1/projections/tokens/rebuild', '', bearer(token))
    expect(refused).toMatchObject({ status: 403, body: { details: { scope: 'ops:rebuild' } } })
  })
})

describe('a verification', () => {
  test('runs to its verdict, one at a time', async () => {
    expect(await get('/v1/verification')).toEqual({ state: 'never' })
    expect(await post('/v1/verification')).toMatchObject({ status: 202, body: { state: 'running', verdict: null } })
    const { status, body } = await post('/v1/verification')
    expect([status, body['code']]).toEqual([409, 'verification_running'])
    const ended = await until(() => get('/v1/verification'), hasEnded)
    expect(ended).toMatchObject({
      state: 'done',
      startedBy: 'admin',
      failure: null,
      faults: [],
      verdict: { kind: 'summary', ok: true, faults: 0 },
    })
  })

  test('is cancelled, and can be started again', async () => {
    await post('/v1/verification')
    expect(await cancel()).toMatchObject({ status: 200, body: { state: 'cancelled', verdict: null } })
    expect((await cancel()).status).toBe(404)
    expect((await post('/v1/verification')).status).toBe(202)
    expect(await until(() => get('/v1/verification'), hasEnded)).toMatchObject({ state: 'done' })
  })

  test('whose process is killed has failed, and says so', async () => {
    const before = childrenOf(scene.council)
    await post('/v1/verification')
    const [pid] = childrenOf(scene.council).filter((child) => !before.includes(child))
    process.kill(pid ?? 0, 'SIGKILL')
    expect(await until(() => get('/v1/verification'), hasEnded)).toMatchObject({
      state: 'failed',
      failure: { code: 'internal', message: 'the process ended with SIGKILL' },
    })
  })

  test('names the faults of a log that was changed', async () => {
    const settings = await councilSettings()
    const council = await serveCouncil(settings, 'api,projector')
    onTestFinished(() => council.kill())
    await executeCommand(council, 'OpenAccount', { account: 'external' })
    const states = `council:{${settings.COUNCIL_ID}}:states`
    await scene.log.redis.hdel(states, 'account/external')
    await post('/v1/verification', council)
    const ended = await until(() => get('/v1/verification', council), hasEnded)
    expect(ended).toMatchObject({
      state: 'done',
      failure: null,
      verdict: { ok: false, faults: 1, firstFault: { code: 'state_missing' } },
      faults: [{ code: 'state_missing', stream: 'account/external' }],
    })
  })

  test('ends with its server', async () => {
    const council = await serveCouncil(await councilSettings(), 'api,projector')
    await executeCommand(council, 'OpenAccount', { account: 'external' })
    const before = childrenOf(council)
    await post('/v1/verification', council)
    const [pid] = childrenOf(council).filter((child) => !before.includes(child))
    expect(await council.stop()).toBe(0)
    expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH')
  })
})

describe('the one who asks', () => {
  test('learns its subject and its scopes', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:ada', scopes: ['chat:read'] })
    const { body } = await apiGet(scene.council, '/v1/me', bearer(token))
    expect(body).toEqual({ subject: 'user:ada', scopes: ['chat:read'], token: tokenId, expiresAt: null, via: 'token' })
    expect(await get('/v1/me')).toMatchObject({ subject: 'admin', token: null, via: 'token' })
  })
})
