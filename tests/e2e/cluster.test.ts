import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTokens, tokenWriter } from '../../src/agents/tokens/token-stream.ts'
import { tokenWakeups } from '../../src/api/chat/token-wakeups.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady, type RedisRole } from '../../src/platform/redis/connection.ts'
import { newId } from '../support/council.ts'
import { startRedisCluster, type RedisCluster } from '../support/redis-cluster.ts'
import { adminToken, serveCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId } from '../support/shared-servers.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster.stop())

const connect = (role: RedisRole) =>
  connectRedis({ url: cluster.url, role, name: `test-${role}`, logger: silentLogger })

test('the tokens of an answer are written, read and woken for on whichever node of a cluster their council lives', async () => {
  const [redis, subscriber] = [connect('command'), connect('subscriber')]
  await Promise.all([whenRedisReady(redis, 10_000), whenRedisReady(subscriber, 10_000)])
  for (const councilId of ['one', 'two', 'three', 'four', 'five']) {
    const requestId = newId()
    const own = tokenWakeups(subscriber, councilId)
    let wakes = 0
    const { promise: woken, resolve } = Promise.withResolvers<undefined>()
    // Once when it listens, once for what is written.
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
  const council = await serveCouncil(
    {
      COUNCIL_ID: freshCouncilId(),
      REDIS_URL: cluster.url,
      REDIS_EPHEMERAL_URL: cluster.url,
      DATABASE_URL: await createDatabase(),
    },
    'api,projector,worker',
  )
  const headers = {
    authorization: `Bearer ${adminToken}`,
    'content-type': 'application/json',
    'idempotency-key': newId(),
  }
  const opened = await request(`${council.url}/v1/commands/OpenAccount`, {
    method: 'POST',
    headers,
    body: '{"account":"agent:ada"}',
  })
  const { position } = (await opened.body.json()) as { position: string }
  const account = await request(`${council.url}/v1/treasury/accounts/agent:ada?after=${position}`, { headers })
  expect({ opened: opened.statusCode, account: account.statusCode }).toEqual({ opened: 200, account: 200 })
  const health = await request(`${council.url}/health`)
  expect(await health.body.json()).toMatchObject({ status: 'pass' })
  await council.stop()
})
