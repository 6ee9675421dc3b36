import { PassThrough } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLogger, silentLogger, type Logger } from '../../../src/platform/logger.ts'
import type { RedisClient } from '../../../src/platform/redis/cluster.ts'
import { connectRedis, whenRedisReady, type RedisRole } from '../../../src/platform/redis/connection.ts'
import { startRedis } from '../../support/servers.ts'
import { silentServer } from '../../support/silent-server.ts'

async function ownServer() {
  const server = await startRedis({ appendfsync: 'no' })
  onTestFinished(server.stop)
  return server
}

/** The `once` of Node would reject at the first error of the connection. */
const heard = (redis: RedisClient, event: string) => new Promise((resolve) => redis.once(event, resolve))

function connect(
  url: string,
  role: RedisRole,
  options: { commandTimeoutMs?: number; logger?: Logger } = {},
): RedisClient {
  const redis = connectRedis({ url, role, name: `test-${role}`, logger: silentLogger, ...options })
  onTestFinished(() => redis.disconnect())
  return redis
}

describe('a connection for commands', () => {
  test('uses RESP 2 and has a name that an operator sees', async () => {
    const redis = connect((await ownServer()).url, 'command')
    await whenRedisReady(redis, 5_000)
    const clients = String(await redis.client('LIST'))
    expect(clients).toMatch(/ name=test-command .* resp=2/)
  })

  test('rejects commands at once without a server, and works again with one', async () => {
    const server = await ownServer()
    const redis = connect(server.url, 'command')
    await whenRedisReady(redis, 5_000)
    const isGone = heard(redis, 'close')
    await server.kill()
    await isGone
    await expect(redis.set('key', 'value')).rejects.toThrow(/^Redis is not reachable at 127\.0\.0\.1:\d+: /)
    await server.start()
    await whenRedisReady(redis, 10_000)
    expect(await redis.get('key')).toBeNull()
  })

  test('rejects a command in flight when the connection breaks, and never resends it', async () => {
    const server = await ownServer()
    const redis = connect(server.url, 'command')
    const other = connect(server.url, 'command')
    await Promise.all([whenRedisReady(redis, 5_000), whenRedisReady(other, 5_000)])
    // Redis holds writes back, so its connection is cut when the command has arrived and not run.
    await other.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    const failed = expect(redis.incr('counter')).rejects.toThrow()
    const id = /id=(\d+)\b[^\n]* cmd=incr/
    let list = ''
    while (!id.test(list)) list = String(await other.client('LIST'))
    await other.call('CLIENT', 'KILL', 'ID', String(id.exec(list)?.[1]))
    await failed
    await whenRedisReady(redis, 5_000)
    await other.call('CLIENT', 'UNPAUSE')
    await redis.set('later', '1')
    expect(await redis.get('counter')).toBeNull()
  })

  test('replaces a connection on which no reply comes back', async () => {
    const server = await ownServer()
    const redis = connect(server.url, 'command', { commandTimeoutMs: 50 })
    const other = connect(server.url, 'command')
    await Promise.all([whenRedisReady(redis, 5_000), whenRedisReady(other, 5_000)])
    const dropped = heard(redis, 'close')
    await other.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    await expect(redis.set('key', 'value')).rejects.toThrow('Command timed out')
    await dropped
    await whenRedisReady(redis, 5_000)
    expect(await redis.get('key')).toBeNull()
  })

  test('waits no longer than its limit for a reply', async () => {
    const server = await ownServer()
    const redis = connect(server.url, 'command', { commandTimeoutMs: 50 })
    await whenRedisReady(redis, 5_000)
    await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    await expect(redis.set('key', 'value')).rejects.toThrow('Command timed out')
  })
})

describe('a blocking reader', () => {
  test('gets an error for a read that is lost with its server, and reads again afterwards', async () => {
    const server = await ownServer()
    const reader = connect(server.url, 'blocking')
    const writer = connect(server.url, 'command')
    await Promise.all([whenRedisReady(reader, 5_000), whenRedisReady(writer, 5_000)])
    const lost = expect(reader.xread('BLOCK', 60_000, 'STREAMS', 'log', '0')).rejects.toThrow()
    const areGone = Promise.all([heard(reader, 'close'), heard(writer, 'close')])
    await server.kill()
    await areGone
    await lost
    await server.start()
    await Promise.all([whenRedisReady(writer, 10_000), whenRedisReady(reader, 10_000)])
    const read = reader.xread('BLOCK', 60_000, 'STREAMS', 'log', '0')
    while (!/ cmd=xread /.test(String(await writer.client('LIST')))) continue
    await writer.xadd('log', '1-1', 'event', 'after')
    expect(await read).toEqual([['log', [['1-1', ['event', 'after']]]]])
  })
})

describe('a subscriber', () => {
  test('receives messages again after a restart of its server', async () => {
    const server = await ownServer()
    const subscriber = connect(server.url, 'subscriber')
    const publisher = connect(server.url, 'command')
    await subscriber.ssubscribe('news')
    const isBack = heard(subscriber, 'close').then(() => heard(subscriber, 'ready'))
    await server.kill()
    await server.start()
    await Promise.all([isBack, whenRedisReady(publisher, 10_000)])
    const messages: string[] = []
    subscriber.on('smessage', (_channel, message) => messages.push(String(message)))
    while ((await publisher.spublish('news', 'hello')) === 0);
    await subscriber.ssubscribe('more')
    expect(messages).toEqual(['hello'])
  })
})

describe('waiting for a server', () => {
  test('rejects with the reason if no server listens', async () => {
    const redis = connect('redis://127.0.0.1:1', 'command')
    await expect(whenRedisReady(redis, 200)).rejects.toMatchObject({
      code: 'redis_unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('rejects if the server accepts the connection and stays silent', async () => {
    const redis = connect(`redis://127.0.0.1:${await silentServer()}`, 'command')
    await expect(whenRedisReady(redis, 200)).rejects.toThrow(
      /^Redis is not reachable at 127\.0\.0\.1:\d+: no answer within 200 ms$/,
    )
  })

  test('rejects when the connection is closed', async () => {
    const redis = connect(`redis://127.0.0.1:${await silentServer()}`, 'command')
    const wait = whenRedisReady(redis, 60_000)
    redis.disconnect()
    await expect(wait).rejects.toMatchObject({ code: 'redis_unreachable' })
  })
})

test('an unreachable server is logged once, not at every attempt', async () => {
  const lines: string[] = []
  const stream = new PassThrough()
  stream.on('data', (line) => lines.push(String(line)))
  const redis = connect('redis://127.0.0.1:1', 'command', { logger: createLogger('warn', { stream }) })
  for (let attempt = 0; attempt < 3; attempt++) await heard(redis, 'reconnecting')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    connection: 'test-command',
    msg: 'redis connection failed',
  })
})
