import { describe, expect, onTestFinished, test } from 'vitest'
import { councilClient, type CouncilClient } from '../../src/client/client.ts'
import type { Change, Subscription } from '../../src/client/subscribe.ts'
import { executeCommand } from '../support/api-client.ts'
import { standInToken, startChatStandIn, type Visit } from '../support/chat-stand-in.ts'
import { newId } from '../support/council.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { adminToken, serveCouncil } from '../support/served-council.ts'
import { sockets } from '../support/sockets.ts'
import { issueToken } from '../support/tokens.ts'
import { serveForTests } from '../support/test-scene.ts'

const scene = serveForTests()

/** Reads a subscription in the background, until the test ends. */
function follow(
  client: CouncilClient,
  topics: string[],
): { subscription: Subscription; changes: Change[]; ended: Promise<string>; live: () => number } {
  const abort = new AbortController()
  const changes: Change[] = []
  let live = 0
  const subscription = client.subscribe(topics, { signal: abort.signal, onLive: () => void live++ })
  const ended = (async () => {
    try {
      for await (const change of subscription) changes.push(change)
      return 'over'
    } catch (error) {
      return (error as { code: string }).code
    }
  })()
  onTestFinished(async () => {
    abort.abort()
    await ended
  })
  return { subscription, changes, ended, live: () => live }
}

const at = (n: number): string => `1795448595415-${n}`
const change = (topic: string, n: number) => ({ topic, position: at(n), value: { n } })
const say = (visit: Visit, topic: string, n: number): void => visit.say({ type: 'change', ...change(topic, n) })

describe.each(sockets)('a subscription over %s', (_, openSocket) => {
  test('goes on after the newest value of each topic, over a lost connection and a restart', async () => {
    const server = await startChatStandIn()
    const { changes, live } = follow(councilClient({ url: server.url, token: standInToken, openSocket }), ['a', 'b'])
    const first = await server.visits()
    expect([await first.next(), await first.next(), await first.next()]).toEqual([
      { type: 'subscribe', topics: ['a'] },
      { type: 'subscribe', topics: ['b'] },
      { type: 'ping' },
    ])
    for (const n of [1, 2]) say(first, 'a', n)
    first.say({ type: 'pong' })
    await expect.poll(() => [changes.length, live()]).toEqual([2, 1])
    first.end()
    const second = await server.visits()
    expect([await second.next(), await second.next()]).toEqual([
      { type: 'subscribe', topics: ['a'], after: at(2) },
      { type: 'subscribe', topics: ['b'] },
    ])
    say(second, 'b', 3)
    await expect.poll(() => changes).toEqual([change('a', 1), change('a', 2), change('b', 3)])
    second.say({ type: 'restart' })
    const third = await server.visits()
    expect([await third.next(), await third.next()]).toEqual([
      { type: 'subscribe', topics: ['a'], after: at(2) },
      { type: 'subscribe', topics: ['b'], after: at(3) },
    ])
  })

  test('takes topics in and leaves them while it runs', async () => {
    const server = await startChatStandIn()
    const { subscription, changes } = follow(councilClient({ url: server.url, token: standInToken, openSocket }), ['a'])
    const visit = await server.visits()
    for (const expected of ['subscribe', 'ping']) expect(await visit.next()).toMatchObject({ type: expected })
    subscription.add('b')
    subscription.add('b')
    expect(await visit.next()).toEqual({ type: 'subscribe', topics: ['b'] })
    subscription.remove('a')
    expect(await visit.next()).toEqual({ type: 'unsubscribe', topics: ['a'] })
    // It was on its way.
    say(visit, 'a', 1)
    say(visit, 'b', 2)
    await expect.poll(() => changes).toEqual([change('b', 2)])
    visit.end()
    expect(await (await server.visits()).next()).toEqual({ type: 'subscribe', topics: ['b'], after: at(2) })
  })

  test('tells the fault of a topic, and passes over the errors of others', async () => {
    const server = await startChatStandIn()
    const { changes } = follow(councilClient({ url: server.url, token: standInToken, openSocket }), ['a'])
    const visit = await server.visits()
    visit.say({ type: 'error', code: 'internal', message: 'about nothing' })
    visit.say({ type: 'error', topic: 'a', code: 'read_model_behind', message: 'it is at 0-0' })
    say(visit, 'a', 1)
    await expect
      .poll(() => changes)
      .toEqual([{ topic: 'a', code: 'read_model_behind', message: 'it is at 0-0' }, change('a', 1)])
  })

  test('does not give up on a council that is quiet for long, however often the connection is lost', async () => {
    const server = await startChatStandIn()
    const { ended } = follow(councilClient({ url: server.url, token: standInToken, openSocket }), ['a'])
    for (let visits = 0; visits < 9; visits++) {
      const visit = await server.visits()
      for (const expected of ['subscribe', 'ping']) expect(await visit.next()).toMatchObject({ type: expected })
      visit.say({ type: 'pong' })
      visit.end()
    }
    expect(await Promise.race([ended, server.visits().then(() => 'goes on')])).toBe('goes on')
  })

  test('follows a real council over a cut connection and a restart of its server', async () => {
    const first = await serveCouncil(scene.settings, 'api')
    onTestFinished(first.kill)
    const portOf = ({ url }: { url: string }) => Number(new URL(url).port)
    const proxy = await startFaultProxy(portOf(first))
    onTestFinished(proxy.close)
    const client = councilClient({ url: `http://127.0.0.1:${proxy.port}`, token: adminToken, openSocket })
    const { changes } = follow(client, ['treasury/accounts'])
    const open = async (): Promise<string> => {
      const account = `agent:a${newId().slice(-8)}`
      await executeCommand(scene.council, 'OpenAccount', { account })
      return account
    }
    const shown = () => JSON.stringify(changes.at(-1))
    await expect.poll(() => changes.length, { timeout: 10_000 }).toBe(1)
    proxy.reset()
    const whileAway = await open()
    await expect.poll(shown, { timeout: 10_000 }).toContain(whileAway)
    proxy.target(portOf(scene.council))
    expect(await first.stop()).toBe(0)
    const afterRestart = await open()
    await expect.poll(shown, { timeout: 10_000 }).toContain(afterRestart)
    const positions = changes.map((one) => ('position' in one ? one.position : one.code))
    expect(positions).toEqual([...new Set(positions)].toSorted())
  })

  test('ends with its token', async () => {
    const { token, tokenId } = await issueToken(scene.council, { subject: 'user:dan', scopes: ['treasury:read'] })
    const { changes, ended } = follow(councilClient({ url: scene.council.url, token, openSocket }), ['budgets'])
    await expect.poll(() => changes.length).toBe(1)
    await executeCommand(scene.council, 'RevokeToken', { tokenId, reason: 'a test' })
    expect(await ended).toBe('unauthorized')
  })
})
