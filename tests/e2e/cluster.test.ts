import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTokens, tokenWriter } from '../../src/agents/tokens/token-stream.ts'
import { tokenWakeups } from '../../src/api/chat/token-wakeups.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady, type RedisRole } from '../../src/platform/redis/connection.ts'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { startRedisCluster, type RedisCluster } from '../support/redis-cluster.ts'
import { serveCouncil } from '../support/served-council.ts'
import { councilSettings } from '../support/shared-servers.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster.stop())

const connect = (role: RedisRole) =>
  connectRedis({ url: cluster.url, role, name: `test-${role}`, logger: silentLogger })

test('the tokens of an answer are written and read, and their readers woken, on every node of a cluster', async () => {
  const [redis, subscriber] = [connect('command'), connect('subscriber')]
  await Promise.all([whenRedisReady(redis, 10_000), whenRedisReady(subscriber, 10_000)])
  for (const councilId of ['one', 'two', 'three', 'four', 'five']) {
    const requestId = newId()
    const own = tokenWakeups(subscriber, councilId)
    let wakes = 0
    const { promise: woken, resolve } = Promise.withResolvers<undefined>()
    // The listener is woken once when it subscribes, and once by the write.
    const stopListening = own.listen(requestId, () =>
      ++wakes === 1 ? void write(requestId, 1, 0, 'Paris') : resolve(undefined),
    )
    const write = tokenWriter(redis, councilId)
    await woken
    expect(await readTokens(redis, councilId, requestId, '0-0')).toMatchObject({ text: 'Paris', endOffset: 5 })
    stopListening()
  }
  subscriber.disconnect()
  redis.disconnect()
})

test('a council serves with its log and its tokens on a cluster', async () => {
  const settings = await councilSettings({ REDIS_URL: cluster.url, REDIS_EPHEMERAL_URL: cluster.url })
  const council = await serveCouncil(settings)
  const opened = await executeCommand(council, 'OpenAccount', { account: 'agent:ada' })
  const account = await apiGet(council, `/v1/treasury/accounts/agent:ada?after=${String(opened.body['position'])}`)
  expect({ opened: opened.status, account: account.status }).toEqual({ opened: 200, account: 200 })
  expect((await apiGet(council, '/health', {})).body).toMatchObject({ status: 'pass' })
  await council.stop()
})
