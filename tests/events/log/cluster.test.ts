import { afterAll, describe, expect, test } from 'vitest'
import { chatStream } from '../../../src/events/chat.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { type Uuid7, Principal } from '../../../src/events/identifiers.ts'
import { logKeys } from '../../../src/events/log/keys.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { serverOf } from '../../../src/platform/redis/cluster.ts'
import { connectRedis } from '../../../src/platform/redis/connection.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { testCouncil } from '../../support/lifetimes.ts'
import { finishing } from '../../support/log-requests.ts'
import { startRedisCluster, type ClusterNode } from '../../support/redis-cluster.ts'
import { freshCouncilId } from '../../support/shared-servers.ts'
import { beginSlotMove } from '../../support/slot-move.ts'

const cluster = await startRedisCluster()
afterAll(cluster.stop)

/** A council whose slot is on one of the nodes; with an id, another process of that council. */
async function councilOn(node: ClusterNode | undefined, councilId?: string): Promise<TestCouncil> {
  let id = councilId ?? freshCouncilId()
  while (node && !councilId && (await cluster.ownerOf(logKeys(id).log)) !== node) id = freshCouncilId()
  return testCouncil(id, cluster.url)
}

const ask = (council: TestCouncil, requestId = newId()) =>
  council.execute(SubmitPrompt, { requestId, text: 'Why?' }, requestId)
const streamsOf = async (council: TestCouncil) => (await council.events()).map(({ stream }) => stream)

describe('councils on a cluster', () => {
  test('live on different nodes, each complete on its own', async () => {
    const [first, second] = cluster.nodes
    const councils = await Promise.all([councilOn(first), councilOn(second)])
    const asked = await Promise.all(
      councils.map(async (council) => {
        const ids = Array.from({ length: 20 }, newId)
        expect(await Promise.all(ids.map((id) => ask(council, id)))).toMatchObject(
          ids.map(() => ({ result: 'appended' })),
        )
        return ids
      }),
    )
    for (const [index, council] of councils.entries()) {
      expect(await streamsOf(council)).toEqual(asked[index]?.map(chatStream))
      expect((await serverOf(council.redis, council.keys.log)).options.port).toBe(cluster.nodes[index]?.port)
      const { log, meta, states, work } = council.keys
      expect(await cluster.nodes[index]?.redis.exists(log, meta, states, work)).toBe(4)
    }
  })

  test('recognise a repeated command by its id and by its idempotency key', async () => {
    const council = await councilOn(cluster.nodes[1])
    const requestId = newId()
    const first = await ask(council, requestId)
    expect(await ask(council, requestId)).toEqual({ ...first, result: 'duplicate' })
    expect(await council.log.findCommand(Principal.parse('tester'), requestId)).toMatchObject({
      first: expect.any(String),
      last: expect.any(String),
    })
    const known = await council.log.commandIdFor(Principal.parse('tester'), 'order 66', newId)
    expect(await council.log.commandIdFor(Principal.parse('tester'), 'order 66', newId)).toBe(known)
  })

  test('keep the revision of a finished stream and reject a new start under its name', async () => {
    const council = await councilOn(cluster.nodes[2])
    const stream = chatStream(newId())
    expect(await council.log.append(finishing(stream))).toMatchObject({ result: 'appended' })
    const finished = { stream, status: 'finished', revision: 1 }
    expect(await council.log.loadStates([stream])).toEqual([finished])
    expect(await council.log.append(finishing(stream))).toEqual({ result: 'conflict', current: [finished] })
  })

  test('lease a job to one worker at a time, and to another one after it is gone', async () => {
    const council = await councilOn(cluster.nodes[0])
    const requestId = newId()
    await ask(council, requestId)
    const blocking = () => connectRedis({ url: cluster.url, role: 'blocking', name: 'test-jobs', logger: silentLogger })
    const queues = await Promise.all(
      ['ada', 'bob'].map((consumer) => council.log.openJobs(blocking(), consumer, 60_000)),
    )
    const [ada, bob] = [queues[0]!, queues[1]!]
    const jobs = await ada.takeNew(5)
    expect(jobs).toMatchObject([{ kind: 'answer', stream: chatStream(requestId) }])
    const job = jobs[0]!
    expect(await bob.takeAbandoned(5)).toEqual([])
    expect(await ada.renew(job)).toBe('held')
    await ada.giveBack(job)
    expect(await bob.takeAbandoned(5)).toEqual([job])
    expect(await ada.renew(job)).toBe('taken')
    await bob.drop(job)
    expect(await council.redis.xlen(council.keys.work)).toBe(0)
    expect(await council.redis.xpending(council.keys.work, 'workers')).toEqual([0, null, null, null])
    for (const queue of queues) queue.close()
  })
})

describe('a slot that moves to another node', () => {
  test('loses, duplicates and reorders no event under commands and a follower', async () => {
    const council = await councilOn(cluster.nodes[0])
    const other = await councilOn(undefined, council.councilId)
    // During a move, a command with a key that does not exist yet must wait; from here on all keys exist.
    await council.log.append(finishing(chatStream(newId())))
    await ask(council)
    const from = await council.log.head()

    const last = newId()
    const seen: string[] = []
    const abort = new AbortController()
    const following = (async () => {
      for await (const events of other.log.follow(from, abort.signal)) {
        seen.push(...events.map(({ stream }) => stream))
        if (seen.at(-1) === chatStream(last)) abort.abort()
      }
    })()
    let isMoving = true
    const asked: Uuid7[] = []
    const askOnce = async (process: TestCouncil): Promise<void> => {
      const id = newId()
      asked.push(id)
      expect(await ask(process, id)).toMatchObject({ result: 'appended' })
    }
    const commands = async (process: TestCouncil): Promise<void> => {
      while (isMoving) await askOnce(process)
    }
    const writing = Promise.all([commands(council), commands(council), commands(other), commands(other)])
    for (const target of [cluster.nodes[1], cluster.nodes[2], cluster.nodes[0]]) {
      const move = await beginSlotMove(cluster, council.keys.log, target!)
      await askOnce(council)
      while (await move.moveOne());
      // All keys are on the new node, which does not own their slot yet.
      await askOnce(council)
      await move.finish()
      await askOnce(council)
    }
    isMoving = false
    await writing
    await ask(council, last)
    await following

    const events = await council.events()
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    const written = events.slice(2).map(({ stream }) => stream)
    expect([...written].sort()).toEqual([...asked, last].map(chatStream).sort())
    expect(seen).toEqual(written)
  })

  test('delays a command with keys that do not exist yet until the move ends', async () => {
    const council = await councilOn(cluster.nodes[0])
    await cluster.nodes[0]?.redis.config('RESETSTAT')
    const move = await beginSlotMove(cluster, council.keys.log, cluster.nodes[1]!)
    // A council without events has only its identity, so no node has all keys of the first append.
    const requestId = newId()
    const answer = ask(council, requestId)
    while (!/errorstat_TRYAGAIN/.test(await move.from.redis.info('errorstats')));
    await move.finish()
    expect(await answer).toMatchObject({ result: 'appended' })
    expect(await streamsOf(council)).toEqual([chatStream(requestId)])
  })

  test('to a node that is not durable stops the log before it acknowledges anything', async () => {
    const council = await councilOn(cluster.nodes[0])
    expect(await ask(council)).toMatchObject({ result: 'appended' })
    const careless = await cluster.addNode('no')
    const move = await beginSlotMove(cluster, council.keys.log, careless)
    await move.finish()
    // The redirect applied the command on that node, but the gate did not acknowledge it.
    for (const code of ['outcome_unknown', 'log_stopped'])
      expect(await ask(council)).toMatchObject({
        result: 'rejected',
        code,
        message: expect.stringContaining(`127.0.0.1:${careless.port}`),
      })
    const back = await beginSlotMove(cluster, council.keys.log, move.from)
    await back.finish()
  })
})

test('a killed node of a cluster comes back with every acknowledged event exactly once', async () => {
  const node = cluster.nodes[2]
  const council = await councilOn(node)
  await ask(council)
  const ids = Array.from({ length: 200 }, newId)
  const writing = Promise.all(ids.map((id) => ask(council, id)))
  await node?.kill()
  await node?.start()
  expect(await writing).toMatchObject(ids.map(() => ({ result: expect.stringMatching(/appended|duplicate/) })))
  const streams = await streamsOf(council)
  expect(new Set(streams).size).toBe(streams.length)
  expect(streams).toEqual(expect.arrayContaining(ids.map(chatStream)))
})
