import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { SealLine } from '../../src/events/log/archive/seals-file.ts'
import { logKeys } from '../../src/events/log/keys.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'
import { council as cli } from '../support/cli.ts'
import { newId } from '../support/council.ts'
import { adminToken, serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'

let settings: Record<string, string>
let keys: string
beforeEach(async () => {
  keys = mkdtempSync(join(tmpdir(), 'keys-'))
  settings = {
    COUNCIL_ID: freshCouncilId(),
    REDIS_URL: redisUrl,
    REDIS_EPHEMERAL_URL: redisUrl,
    DATABASE_URL: await createDatabase(),
    MAC_KEY_FILE: join(keys, 'mac'),
    SEAL_KEY_FILE: join(keys, 'seal.pem'),
    SEAL_EVERY_EVENTS: '1',
    SEALS_FILE: '-',
  }
})

async function serve(part: Record<string, string> = {}, roles = 'api,archiver'): Promise<ServedCouncil> {
  const council = await serveCouncil({ ...settings, ...part }, roles)
  onTestFinished(() => council.kill())
  return council
}
const authorized = { authorization: `Bearer ${adminToken}` }
async function openAccount({ url }: ServedCouncil, account: string) {
  const headers = { ...authorized, 'content-type': 'application/json', 'idempotency-key': newId() }
  const answer = await request(`${url}/v1/commands/OpenAccount`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ account }),
  })
  return { status: answer.statusCode, ...((await answer.body.json()) as { position?: string }) }
}
const seal = async (council: ServedCouncil, pattern: RegExp) => SealLine.parse(JSON.parse(await council.line(pattern)))

async function redis() {
  const connection = connectRedis({ url: redisUrl, role: 'command', name: 'test', logger: silentLogger })
  onTestFinished(() => connection.disconnect())
  await whenRedisReady(connection, 5_000)
  return { connection, keys: logKeys(settings['COUNCIL_ID'] ?? '') }
}

describe('a council with an archiver', () => {
  test('seals what was done under a key that it has made for itself alone', async () => {
    const council = await serve()
    expect(await openAccount(council, 'agent:ada')).toMatchObject({ status: 200 })
    expect(await seal(council, /"kind":"key"/)).toMatchObject({ by: null, council: settings['COUNCIL_ID'] })
    expect(await seal(council, /"kind":"seal"/)).toMatchObject({ kind: 'seal' })
    expect(statSync(join(keys, 'seal.pem')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(keys, 'seal.pem'), 'utf8')).toContain('PRIVATE KEY')
    expect(council.lines().join('\n')).not.toContain('PRIVATE KEY')
    expect(await council.stop()).toBe(0)
  })

  test('does not start without the key that has sealed its log, nor under one that this key has not signed', async () => {
    const first = await serve()
    await openAccount(first, 'agent:ada')
    await first.line(/"kind":"seal"/)
    await first.stop()
    const newKey = join(keys, 'new.pem')
    await expect(serve({ SEAL_KEY_FILE: newKey })).rejects.toThrow(/there is no key in .*new\.pem; put the key back/)
    // Nor was one made.
    expect(statSync(newKey, { throwIfNoEntry: false })).toBeUndefined()
    const signed = await serve({ SEAL_KEY_FILE: newKey, SEAL_PREVIOUS_KEY_FILE: join(keys, 'seal.pem') })
    const introduction = await seal(signed, /"kind":"key".*"by":"/)
    await signed.stop()
    await expect(serve()).rejects.toThrow(/is sealed under the key [0-9a-f]{16}, but .*seal\.pem holds/)
    const next = await serve({ SEAL_KEY_FILE: newKey })
    await openAccount(next, 'agent:bob')
    expect(await seal(next, new RegExp(`"kind":"seal".*"keyId":"${introduction.keyId}"`))).toMatchObject({
      kind: 'seal',
    })
    await next.stop()
  }, 90_000)

  test('says in /health how far it is', async () => {
    const council = await serve()
    const answer = await request(`${council.url}/health`, { headers: authorized })
    expect(await answer.body.json()).toMatchObject({
      checks: { archiver: [{ status: 'pass' }], seals: [{ status: 'pass' }] },
    })
    await council.stop()
  })

  test('acknowledges what is archived, where that is asked for, whichever process archives', async () => {
    const archiver = await serve({ DURABILITY: 'archived' }, 'archiver')
    const council = await serve({ DURABILITY: 'archived' }, 'api')
    expect(await openAccount(council, 'agent:ada')).toMatchObject({ status: 200, position: expect.any(String) })
    await council.stop()
    await archiver.stop()
  })
})

describe('a council whose Redis lost what was archived', () => {
  test('does not start, and says what to run', async () => {
    const first = await serve()
    await openAccount(first, 'agent:ada')
    await first.line(/"kind":"seal"/)
    await first.stop()
    const { connection, keys: names } = await redis()
    await connection.del(names.log, names.meta, names.states)
    await expect(serve({}, 'api')).rejects.toThrow(/Redis holds none.*bin\/council restore/)
    expect(await connection.exists(names.meta)).toBe(0)
  })
})

test('the command line reads archive and Redis as one, and says so where the archive is away', async () => {
  const council = await serve()
  await openAccount(council, 'agent:ada')
  await council.line(/"kind":"seal"/)
  await openAccount(council, 'agent:bob')
  await council.line(/"kind":"seal","council":"[^"]+","incarnation":"[^"]+","event":\{"sequence":[6-9]/)
  await council.stop()
  const all = await cli(settings, ['events', '--json'])
  const { connection, keys: names } = await redis()
  const [, , third] = await connection.xrange(names.log, '-', '+')
  await connection.xtrim(names.log, 'MINID', '=', third?.[0] ?? '')
  expect(await cli(settings, ['events', '--json'])).toMatchObject({ code: 0, stdout: all.stdout })
  expect(all.json().length).toBeGreaterThan(6)
  const away = { ...settings, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
  expect(await cli(away, ['events', '--json'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('postgres_unreachable'),
  })
  // What is on Redis needs no archive.
  expect(await cli(away, ['events', '--json', '--from', third?.[0] ?? ''])).toMatchObject({ code: 0 })
})
