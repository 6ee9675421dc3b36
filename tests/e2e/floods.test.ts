import { execFileSync } from 'node:child_process'
import type { Socket } from 'node:net'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { apiGet } from '../support/api-client.ts'
import { newId } from '../support/council.ts'
import { clientFrame, flood, silentChat } from '../support/raw-chat.ts'
import { serveForTests } from '../support/test-scene.ts'

// Without limits a flood costs gigabytes, seconds, and hundreds of thousands of log lines.
const maxGrowthMb = 300
const maxProbeMs = 1_500
const maxLines = 20

const scene = serveForTests({ settings: { MAX_FRAMES_PER_SECOND: '20' } })
let before: { residentMb: number; lines: number }
beforeEach(() => {
  before = { residentMb: residentMb(), lines: scene.council.lines().length }
})
const silent = async (): Promise<Socket> => {
  const socket = await silentChat(scene.council.url)
  onTestFinished(() => void socket.destroy())
  return socket
}
const residentMb = (): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(scene.council.child.pid)], { encoding: 'utf8' })) / 1024

/** The slowest of 20 probes, one after another. */
async function slowestProbeMs(path: string): Promise<number> {
  let slowest = 0
  for (let times = 0; times < 20; times++) {
    const startedAt = performance.now()
    expect((await apiGet(scene.council, path, {})).status).toBe(200)
    slowest = Math.max(slowest, performance.now() - startedAt)
  }
  return slowest
}

/** Expects that the council serves other clients in time, and that its memory and its log have hardly grown. */
async function expectUnharmed(): Promise<void> {
  expect(await slowestProbeMs('/livez')).toBeLessThan(maxProbeMs)
  expect(await slowestProbeMs('/readyz')).toBeLessThan(maxProbeMs)
  const honest = await scene.connect()
  honest.ask()
  await honest.frame('completed')
  honest.close()
  await honest.closed
  expect(residentMb() - before.residentMb).toBeLessThan(maxGrowthMb)
  const ownLines = scene.council
    .lines()
    .slice(before.lines)
    .filter((line) => !/"requestId"/.test(line))
  expect(ownLines.length).toBeLessThan(maxLines)
}

const pacedLines = () => scene.council.lines().filter((line) => line.includes('MAX_FRAMES_PER_SECOND')).length

describe('a client that never reads', () => {
  test.each([
    ['two million ping frames', clientFrame('text', '{"type":"ping"}'), 2_000_000],
    ['a million WebSocket pings', clientFrame('ping', 'x'), 1_000_000],
    ['a million malformed frames', clientFrame('text', '{}'), 1_000_000],
  ])('is disconnected, and the log says why, when it sends %s', async (_, frame, count) => {
    const socket = await silent()
    const cut = new Promise((resolve) => socket.once('close', resolve))
    const sending = flood(socket, () => frame, count)
    await scene.council.line(/a client that flooded its socket was disconnected/)
    await expectUnharmed()
    await cut
    expect(await sending).toBeLessThan(count)
  })

  test.each([
    ['resumes', 'resume'],
    ['cancels', 'cancel'],
  ])('is read at the rate of its subject when it sends %s of unknown prompts', async (_, type) => {
    const socket = await silent()
    const paced = pacedLines()
    void flood(socket, () => clientFrame('text', JSON.stringify({ type, requestId: newId() })), 1_000_000)
    while (pacedLines() === paced) await slowestProbeMs('/livez')
    await expectUnharmed()
    expect(pacedLines()).toBe(paced + 1)
  })
})

describe('a client within its limits', () => {
  test('gets an answer to each of a hundred resumes at once', async () => {
    const client = await scene.connect()
    for (let times = 0; times < 100; times++) client.send({ type: 'resume', requestId: newId() })
    await client.frame('error', 100)
    expect(client.frames.every((frame) => frame.type === 'error' && frame.code === 'prompt_unknown')).toBe(true)
  })

  test('gets its replies in the order of its frames', async () => {
    const client = await scene.connect()
    client.send({ type: 'cancel', requestId: newId() })
    client.send({ type: 'ping' })
    client.send({ type: 'resume', requestId: newId() })
    client.send({ type: 'ping' })
    await client.frame('pong', 2)
    expect(client.frames.map(({ type }) => type)).toEqual(['error', 'pong', 'error', 'pong'])
  })
})
