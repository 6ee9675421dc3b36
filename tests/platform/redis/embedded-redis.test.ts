import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ChildReport } from '../../../src/platform/process/children.ts'
import { startEmbeddedRedis, type EmbeddedRedisRole } from '../../../src/platform/redis/embedded-redis.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import type { RedisClient } from '../../../src/platform/redis/cluster.ts'
import { connectRedis, whenRedisReady } from '../../../src/platform/redis/connection.ts'

const newDir = (name = 'redis-'): string => mkdtempSync(join(tmpdir(), name))

async function start(dataDir: string, role: EmbeddedRedisRole = 'durable') {
  const reports: ChildReport['kind'][] = []
  const { url, child } = await startEmbeddedRedis({ dataDir, role, onReport: ({ kind }) => reports.push(kind) })
  onTestFinished(child.stop)
  const redis = connectRedis({ url, role: 'command', name: 'test', logger: silentLogger })
  onTestFinished(() => redis.disconnect())
  await whenRedisReady(redis, 5_000)
  return { url, child, redis, reports }
}

/** The `once` of Node would reject at the errors that come before `ready`. */
const heard = (redis: RedisClient, event: string) => new Promise((resolve) => redis.once(event, resolve))

/** The settings of the running server. */
async function settingsOf(redis: RedisClient, ...names: string[]): Promise<Record<string, string>> {
  const values: Record<string, string> = {}
  for (const name of names) values[name] = String((await redis.config('GET', name))[1])
  return values
}

/** The TCP sockets that a process has open, as the kernel numbers them. */
function tcpSocketsOf(pid: number): string[] {
  const tables = ['tcp', 'tcp6'].map((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8')).join('\n')
  const known = new Set(tables.split('\n').map((line) => line.trim().split(/\s+/)[9]))
  const open = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return [] // closed since it was listed
    }
  })
  return open.filter((inode) => known.has(inode))
}

describe('the embedded Redis of the log', () => {
  test('acknowledges a write only when it is on disk, never evicts data, and takes no snapshots', async () => {
    const { redis } = await start(newDir())
    const expected = {
      appendonly: 'yes',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      'aof-load-truncated': 'yes',
      save: '',
    }
    expect(await settingsOf(redis, ...Object.keys(expected))).toEqual(expected)
  })

  test('listens on a socket that is private to this user, and on no port', async () => {
    const dataDir = newDir()
    const { url, child } = await start(dataDir)
    expect(url).toBe(`unix://${dataDir}/run/redis.sock`)
    expect(statSync(join(dataDir, 'run')).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'run/redis.sock')).mode & 0o777).toBe(0o700)
    expect(tcpSocketsOf(process.pid)).toEqual([])
    const port = createServer().listen(0)
    await once(port, 'listening')
    expect(tcpSocketsOf(process.pid)).toHaveLength(1)
    port.close()
    expect(tcpSocketsOf(child.pid() ?? 0)).toEqual([])
  })

  test('restarts by itself after a SIGKILL, with all acknowledged data', async () => {
    const { child, redis, reports } = await start(newDir())
    await redis.xadd('log', '1-1', 'event', 'acknowledged')
    const isBack = heard(redis, 'ready')
    process.kill(child.pid() ?? 0, 'SIGKILL')
    await isBack
    expect(await redis.xrange('log', '-', '+')).toEqual([['1-1', ['event', 'acknowledged']]])
    expect(reports).toContain('ended')
  })

  test('has all data after a stop and a new start', async () => {
    const dataDir = newDir()
    const first = await start(dataDir)
    await first.redis.set('key', 'value')
    await first.child.stop()
    const second = await start(dataDir)
    expect(await second.redis.get('key')).toBe('value')
  })

  test.each([
    ['spaces, quotes and signs', 'it\'s a #1 "folder" 100% ä '],
    ['more characters than a socket may have', 'x'.repeat(120)],
  ])('runs in a folder whose name has %s', async (_, name) => {
    const { redis } = await start(join(newDir(), name))
    expect(await redis.ping()).toBe('PONG')
  })

  test('reports the fault of files that it cannot read', async () => {
    const dataDir = newDir()
    const { child, redis } = await start(dataDir)
    await redis.set('key', 'value')
    await child.stop()
    writeFileSync(join(dataDir, 'redis/appendonlydir/appendonly.aof.1.incr.aof'), 'garbage\n'.repeat(100))
    await expect(start(dataDir)).rejects.toThrow(
      /redis did not start: file_damaged: .*\(it ended with exit code 1\)\. The end of [^]*Bad file format reading the append only file/,
    )
  })
})

test('the ephemeral Redis keeps streams across a kill without fsync, and evicts data when it is full', async () => {
  const { child, redis } = await start(newDir(), 'ephemeral')
  const expected = {
    appendonly: 'yes',
    appendfsync: 'no',
    save: '',
    maxmemory: String(512 * 1024 * 1024),
    'maxmemory-policy': 'volatile-ttl',
  }
  expect(await settingsOf(redis, ...Object.keys(expected))).toEqual(expected)
  await redis.xadd('tokens', '1-1', 'text', 'Once')
  const isBack = heard(redis, 'ready')
  process.kill(child.pid() ?? 0, 'SIGKILL')
  await isBack
  expect(await redis.xlen('tokens')).toBe(1)
})

test('the ephemeral Redis starts empty after a reboot, because a power cut may have truncated its data', async () => {
  const dataDir = newDir()
  const { redis, child } = await start(dataDir, 'ephemeral')
  await redis.set('stream', 'half of it')
  await child.stop()
  const mark = join(dataDir, 'redis-ephemeral', 'boot-id')
  writeFileSync(mark, 'another boot')
  const rebooted = await start(dataDir, 'ephemeral')
  expect(await rebooted.redis.get('stream')).toBeNull()
  expect(readFileSync(mark, 'utf8')).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
})

test('both run at the same time on one DATA_DIR', async () => {
  const dataDir = newDir()
  const [durable, ephemeral] = await Promise.all([start(dataDir, 'durable'), start(dataDir, 'ephemeral')])
  await durable.redis.set('which', 'durable')
  expect(await ephemeral.redis.get('which')).toBeNull()
})
