import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { SealLine } from '../../src/events/log/archive/seals-file.ts'
import { logKeys } from '../../src/events/log/keys.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { council as cli } from '../support/cli.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { councilSettings, redisUrl, type CouncilSettings } from '../support/shared-servers.ts'

let settings: CouncilSettings
let keys: string
beforeEach(async () => {
  keys = mkdtempSync(join(tmpdir(), 'keys-'))
  settings = await councilSettings({
    MAC_KEY_FILE: join(keys, 'mac'),
    SEAL_KEY_FILE: join(keys, 'seal.pem'),
    SEAL_EVERY_EVENTS: '1',
    SEALS_FILE: '-',
  })
})

async function serve(part: Record<string, string> = {}, roles = 'api,archiver'): Promise<ServedCouncil> {
  const council = await serveCouncil({ ...settings, ...part }, roles)
  onTestFinished(() => council.kill())
  return council
}
const openAccount = (council: ServedCouncil, account: string) => executeCommand(council, 'OpenAccount', { account })

/** Runs a council until it has sealed an event. */
async function sealOnce(): Promise<void> {
  const council = await serve()
  await openAccount(council, 'agent:ada')
  await council.line(/"kind":"seal"/)
  await council.stop()
}
const seal = async (council: ServedCouncil, pattern: RegExp) => SealLine.parse(JSON.parse(await council.line(pattern)))

async function redis() {
  const connection = connectRedis({ url: redisUrl, role: 'command', name: 'test', logger: silentLogger })
  onTestFinished(() => connection.disconnect())
  await whenRedisReady(connection, 5_000)
  return { connection, keys: logKeys(settings.COUNCIL_ID) }
}

describe('a council with an archiver', () => {
  test('seals its events under a key that it generates and keeps private', async () => {
    const council = await serve()
    expect(await openAccount(council, 'agent:ada')).toMatchObject({ status: 200 })
    expect(await seal(council, /"kind":"key"/)).toMatchObject({ by: null, council: settings.COUNCIL_ID })
    expect(await seal(council, /"kind":"seal"/)).toMatchObject({ kind: 'seal' })
    expect(statSync(join(keys, 'seal.pem')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(keys, 'seal.pem'), 'utf8')).toContain('PRIVATE KEY')
    expect(council.lines().join('\n')).not.toContain('PRIVATE KEY')
    expect(await council.stop()).toBe(0)
  })

  test('starts neither without the key that sealed its log nor under a key that this one has not signed', async () => {
    await sealOnce()
    const newKey = join(keys, 'new.pem')
    await expect(serve({ SEAL_KEY_FILE: newKey })).rejects.toThrow(/there is no key in .*new\.pem; put the key back/)
    // The refused start generates no key.
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

  test('reports its progress in /health', async () => {
    const council = await serve()
    const { body } = await apiGet(council, '/health')
    expect(body).toMatchObject({ checks: { archiver: [{ status: 'pass' }], seals: [{ status: 'pass' }] } })
    await council.stop()
  })

  test('with DURABILITY=archived acknowledges archived events, whichever process archives them', async () => {
    const archiver = await serve({ DURABILITY: 'archived' }, 'archiver')
    const council = await serve({ DURABILITY: 'archived' }, 'api')
    expect(await openAccount(council, 'agent:ada')).toMatchObject({
      status: 200,
      body: { position: expect.any(String) },
    })
    await council.stop()
    await archiver.stop()
  })
})

describe('a council whose Redis lost archived events', () => {
  test('does not start, and names the command to run', async () => {
    await sealOnce()
    const { connection, keys: names } = await redis()
    await connection.del(names.log, names.meta, names.states)
    await expect(serve({}, 'api')).rejects.toThrow(/Redis holds none.*bin\/council restore/)
    expect(await connection.exists(names.meta)).toBe(0)
  })
})

test('the command line reads archive and Redis as one log, and reports an archive that is unreachable', async () => {
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
  const away = { ...settings, DATABASE_URL: 'postgres://none@127.0.0.1:1/none' }
  expect(await cli(away, ['events', '--json'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('postgres_unreachable'),
  })
  // Events on Redis can be read without the archive.
  expect(await cli(away, ['events', '--json', '--from', third?.[0] ?? ''])).toMatchObject({ code: 0 })
})
