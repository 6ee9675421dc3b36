import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { assertCrashSafe, unsafeSettings } from '../../../../src/events/log/archive/crash-safe.ts'
import { assertDurable, type Durability } from '../../../../src/events/log/integrity/durability.ts'
import { silentLogger } from '../../../../src/platform/logger.ts'
import { connectPostgres, type Postgres } from '../../../../src/platform/postgres/postgres.ts'
import { connectRedis, whenRedisReady } from '../../../../src/platform/redis/connection.ts'
import { startRedis } from '../../../support/servers.ts'
import { createDatabase } from '../../../support/shared-servers.ts'

describe('a Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  async function connectedAs(user?: { name: string; rules: string[] }) {
    const url = new URL(server.url)
    if (user) {
      const admin = connectRedis({ url: server.url, role: 'command', name: 'admin', logger: silentLogger })
      await whenRedisReady(admin, 5_000)
      await admin.call('ACL', 'SETUSER', user.name, 'reset', 'on', '>secret', '~*', '&*', ...user.rules)
      admin.disconnect()
      Object.assign(url, { username: user.name, password: 'secret' })
    }
    const redis = connectRedis({ url: url.href, role: 'command', name: 'test', logger: silentLogger })
    onTestFinished(() => redis.disconnect())
    await whenRedisReady(redis, 5_000)
    return redis
  }

  const right = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
  const withSettings = async (settings: Partial<typeof right>) => {
    const admin = await connectedAs()
    for (const [name, value] of Object.entries({ ...right, ...settings })) await admin.config('SET', name, value)
    onTestFinished(async () => {
      for (const [name, value] of Object.entries(right)) await admin.config('SET', name, value)
      // Redis 7.0.15 does not end on SIGTERM while it writes the first append-only file ("Writing initial AOF, can't exit").
      while (/^aof_rewrite_(in_progress|scheduled):1/m.test(await admin.info('persistence'))) continue
    })
  }

  /** Expects that a Redis with these settings is refused with this advice, or (null) accepted. */
  async function expectVerdict(
    durability: Durability,
    settings: Partial<typeof right>,
    fix: string | null,
    user?: Parameters<typeof connectedAs>[0],
  ): Promise<void> {
    await withSettings(settings)
    const outcome = assertDurable(await connectedAs(user), durability)
    if (fix === null) await outcome
    else await expect(outcome).rejects.toMatchObject({ code: 'not_durable', message: expect.stringContaining(fix) })
  }

  test.each<[Durability, Partial<typeof right>, string | null]>([
    ['fsync', {}, null],
    ['fsync', { appendonly: 'no' }, 'appendonly is no, must be yes: CONFIG SET appendonly yes; then CONFIG REWRITE'],
    [
      'fsync',
      { appendfsync: 'everysec' },
      'appendfsync is everysec, must be always: CONFIG SET appendfsync always; then CONFIG REWRITE',
    ],
    [
      'fsync',
      { 'maxmemory-policy': 'allkeys-lru' },
      'maxmemory-policy is allkeys-lru, must be noeviction: CONFIG SET maxmemory-policy noeviction; then CONFIG REWRITE',
    ],
    ['archived', { appendfsync: 'everysec', appendonly: 'no' }, null],
    ['archived', { 'maxmemory-policy': 'volatile-ttl' }, 'CONFIG SET maxmemory-policy noeviction'],
    ['memory', { appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' }, null],
  ])('for DURABILITY=%s with %o is refused with: %s', (...verdict) => expectVerdict(...verdict))

  const noConfig = { name: 'managed', rules: ['+@all', '-config'] }

  test.each<[Durability, Partial<typeof right>, string | null]>([
    // INFO does not show `appendfsync`.
    ['fsync', {}, 'appendfsync cannot be seen by this user: ACL SETUSER managed +config|get, or DURABILITY=archived'],
    ['fsync', { appendonly: 'no' }, 'appendonly is no, must be yes: CONFIG SET appendonly yes'],
    ['archived', { appendfsync: 'everysec' }, null],
    ['archived', { 'maxmemory-policy': 'allkeys-lru' }, 'CONFIG SET maxmemory-policy noeviction'],
    ['memory', {}, null],
  ])('that forbids CONFIG, for DURABILITY=%s with %o, is refused with: %s', (...verdict) =>
    expectVerdict(...verdict, noConfig),
  )

  test('that shows only its settings is judged by them', async () => {
    await assertDurable(await connectedAs({ name: 'careful', rules: ['+@all', '-config', '+config|get'] }), 'fsync')
  })
})

describe('a PostgreSQL', () => {
  async function database(): Promise<Postgres<unknown>> {
    const postgres = connectPostgres<unknown>({ url: await createDatabase(), maxConnections: 1, logger: silentLogger })
    onTestFinished(() => postgres.close())
    return postgres
  }

  test('with durable commits is crash-safe', async () => {
    await assertCrashSafe(await database(), { isEmbedded: false })
  })

  test('with asynchronous commits is refused, with the statements that fix it', async () => {
    const url = await createDatabase()
    const admin = connectPostgres<unknown>({ url, maxConnections: 1, logger: silentLogger })
    const name = new URL(url).pathname.slice(1)
    await admin.transaction((tx) => sql`alter database ${sql.id(name)} set synchronous_commit = off`.execute(tx))
    await admin.close()
    const postgres = connectPostgres<unknown>({ url, maxConnections: 1, logger: silentLogger })
    onTestFinished(() => postgres.close())
    expect(await unsafeSettings(postgres)).toEqual([
      expect.stringContaining(`synchronous_commit is off: ALTER DATABASE "${name}" RESET synchronous_commit;`),
    ])
    await expect(assertCrashSafe(postgres, { isEmbedded: false })).rejects.toMatchObject({ code: 'not_durable' })
    // The statements work.
    await postgres.transaction((tx) => sql`alter database ${sql.id(name)} reset synchronous_commit`.execute(tx))
    const again = connectPostgres<unknown>({ url, maxConnections: 1, logger: silentLogger })
    onTestFinished(() => again.close())
    expect(await unsafeSettings(again)).toEqual([])
  })

  test('that is embedded is refused, whatever its settings', async () => {
    await expect(assertCrashSafe(await database(), { isEmbedded: true })).rejects.toThrow('set DATABASE_URL')
  })
})
