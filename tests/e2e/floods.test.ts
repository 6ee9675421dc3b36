import { execFileSync } from 'node:child_process'
import type { Socket } from 'node:net'
import { request } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectChat } from '../support/chat-client.ts'
import { newId } from '../support/council.ts'
import { clientFrame, flood, silentChat } from '../support/raw-chat.ts'
import { serveCouncil, type ServedCouncil } from '../support/served-council.ts'
import { createDatabase, freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { startVllmStandIn, type StandIn } from '../support/vllm-stand-in/server.ts'

// What a flood cost before sockets were held back: gigabytes, seconds, and hundreds of thousands of log lines.
const maxGrowthMb = 300
const maxProbeMs = 1_500
const maxLines = 20

let model: StandIn
let council: ServedCouncil
beforeAll(async () => {
  model = await startVllmStandIn()
  council = await serveCouncil({
    COUNCIL_ID: freshCouncilId(),
    REDIS_URL: redisUrl,
    REDIS_EPHEMERAL_URL: redisUrl,
    DATABASE_URL: await createDatabase(),
    VLLM_URL: model.url,
    MAX_FRAMES_PER_SECOND: '20',
  })
})
afterAll(async () => {
  await council.stop()
  await model.close()
})

const sockets: Socket[] = []
let before: { residentMb: number; lines: number }
beforeEach(() => {
  before = { residentMb: residentMb(), lines: council.lines().length }
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})
const silent = async (): Promise<Socket> => {
  const socket = await silentChat(council.url)
  sockets.push(socket)
  return socket
}
const residentMb = (): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(council.child.pid)], { encoding: 'utf8' })) / 1024

/** The slowest of some probes, one after another. */
async function slowestProbeMs(path: string): Promise<number> {
  let slowest = 0
  for (let times = 0; times < 20; times++) {
    const startedAt = performance.now()
    const { statusCode, body } = await request(`${council.url}${path}`)
    await body.dump()
    expect(statusCode).toBe(200)
    slowest = Math.max(slowest, performance.now() - startedAt)
  }
  return slowest
}

/** That the council serves others as if there were no flood, and has paid nothing for it. */
async function expectUnharmed(): Promise<void> {
  expect(await slowestProbeMs('/livez')).toBeLessThan(maxProbeMs)
  expect(await slowestProbeMs('/readyz')).toBeLessThan(maxProbeMs)
  const honest = await connectChat(council.url)
  honest.send({ type: 'prompt', text: 'Are you there?' })
  await honest.frame('completed')
  honest.close()
  await honest.closed
  expect(residentMb() - before.residentMb).toBeLessThan(maxGrowthMb)
  expect(
    council
      .lines()
      .slice(before.lines)
      .filter((line) => !/"requestId"/.test(line)).length,
  ).toBeLessThan(maxLines)
}

describe('a client that never reads and sends', () => {
  test.each([
    ['two million pings', clientFrame('text', '{"type":"ping"}'), 2_000_000],
    ["a million pings of the protocol's own", clientFrame('ping', 'x'), 1_000_000],
    ['a million frames that are none', clientFrame('text', '{}'), 1_000_000],
  ])('%s is told so and cut off', async (_, frame, count) => {
    const socket = await silent()
    const cut = new Promise((resolve) => socket.once('close', resolve))
    const sending = flood(socket, () => frame, count)
    await council.line(/a client that flooded its socket was disconnected/)
    await expectUnharmed()
    await cut
    expect(await sending).toBeLessThan(count)
  })

  test.each([
    ['resumes of prompts that there are not', 'resume'],
    ['cancels of prompts that there are not', 'cancel'],
  ])('%s is read at the pace of its subject, while others are served', async (_, type) => {
    const socket = await silent()
    const paced = council.lines().filter((line) => line.includes('MAX_FRAMES_PER_SECOND')).length
    void flood(socket, () => clientFrame('text', JSON.stringify({ type, requestId: newId() })), 1_000_000)
    while (council.lines().filter((line) => line.includes('MAX_FRAMES_PER_SECOND')).length === paced)
      await slowestProbeMs('/livez')
    await expectUnharmed()
    expect(council.lines().filter((line) => line.includes('MAX_FRAMES_PER_SECOND')).length).toBe(paced + 1)
  })
})

describe('an honest client', () => {
  test('that comes back and resumes a hundred answers at once is answered for each', async () => {
    const client = await connectChat(council.url)
    for (let times = 0; times < 100; times++) client.send({ type: 'resume', requestId: newId() })
    await client.frame('error', 100)
    expect(client.frames.every((frame) => frame.type === 'error' && frame.code === 'prompt_unknown')).toBe(true)
    client.close()
  })

  test('gets its replies in the order of its frames', async () => {
    const client = await connectChat(council.url)
    client.send({ type: 'cancel', requestId: newId() })
    client.send({ type: 'ping' })
    client.send({ type: 'resume', requestId: newId() })
    client.send({ type: 'ping' })
    await client.frame('pong', 2)
    expect(client.frames.map(({ type }) => type)).toEqual(['error', 'pong', 'error', 'pong'])
    client.close()
  })
})
