import { describe, expect, test } from 'vitest'
import { apiGet } from '../support/api-client.ts'
import { council as cli } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { adminToken } from '../support/served-council.ts'
import { serveForTests } from '../support/test-scene.ts'
import { bearer } from '../support/tokens.ts'

const scene = serveForTests({ roles: 'api,projector' })
const runAs =
  (token: string) =>
  (...args: string[]) =>
    cli({ COUNCIL_URL: scene.council.url, COUNCIL_TOKEN: token }, ['token', ...args])
const run = runAs(adminToken)

describe('council token', () => {
  test('issues a token that it prints once, alone on stdout', async () => {
    const { code, stdout, stderr } = await run('issue', '--scopes', 'chat:read,tokens:write', '--subject', 'user:ada')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^hac_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}\n$/)
    expect(stderr).not.toContain(stdout.trim())
    expect(await apiGet(scene.council, '/v1/mode', bearer(stdout.trim()))).toMatchObject({ status: 200 })
  })

  test('lists tokens without their secrets, and revokes one', async () => {
    const issued = await run('issue', '--scopes', 'chat:read', '--expires', '30d', '--label', 'a laptop', '--json')
    const [made] = issued.json()
    expect(made).toMatchObject({ scopes: ['chat:read'], label: 'a laptop' })
    const days = (Date.parse(String(made?.['expiresAt'])) - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(29.9)
    expect(days).toBeLessThanOrEqual(30)
    await apiGet(scene.council, `/v1/tokens?after=${String(made?.['position'])}`)
    const listed = await run('list')
    expect(listed.stdout).toContain(`${String(made?.['tokenId'])}  admin  until `)
    expect(listed.stdout).not.toContain(String(made?.['token']))

    const revoked = await run('revoke', String(made?.['tokenId']), '--reason', 'lost', '--json')
    expect(revoked.json()).toMatchObject([{ tokenId: made?.['tokenId'], revoked: true }])
    await apiGet(scene.council, `/v1/tokens?after=${String(revoked.json()[0]?.['position'])}`)
    const after = await run('list', '--json')
    expect(after.json().find(({ token }) => token === made?.['tokenId'])).toMatchObject({
      revokedBy: 'admin',
      revokedWhy: 'lost',
    })
    expect(await run('revoke', String(made?.['tokenId']))).toMatchObject({ code: 1, stdout: '' })
  })

  test('lets a person issue below their own rights, and says which scopes are too many', async () => {
    const { stdout } = await run('issue', '--scopes', 'chat:read,tokens:write', '--subject', 'user:eve')
    const eve = runAs(stdout.trim())
    expect((await eve('issue', '--scopes', 'chat:read')).code).toBe(0)
    const refused = await eve('issue', '--scopes', 'mode:write')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('scopes_exceed_issuer')
    const { json } = await eve('list', '--json')
    expect(new Set(json().map(({ subject }) => subject))).toEqual(new Set(['user:eve']))
  })

  test.each([
    ['no scopes', ['issue'], '--scopes'],
    ['an unknown scope', ['issue', '--scopes', 'chat:write'], 'chat:read-all'],
    ['an expiry that is none', ['issue', '--scopes', 'chat:read', '--expires', 'soon'], '30d'],
    ['an id that is none', ['revoke', 'x'], 'id of a token'],
  ])('refuses %s', async (_, args, message) => {
    const refused = await run(...args)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(message)
  })

  test('says that a token is unknown', async () => {
    const refused = await run('revoke', newId())
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('token_unknown')
  })
})
