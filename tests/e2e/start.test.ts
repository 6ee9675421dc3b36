import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectChat } from '../support/chat-client.ts'
import { council, startCouncil, type StartedCouncil } from '../support/started-council.ts'

let dataDir: string
let started: StartedCouncil[]
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'council-start-'))
  started = []
})
afterEach(async () => {
  for (const one of started) await one.interrupt()
  expect(processesOn(dataDir)).toEqual([])
  await rm(dataDir, { recursive: true, force: true })
})

const start = async (): Promise<StartedCouncil> => {
  const one = await startCouncil(dataDir)
  started.push(one)
  return one
}
const chatWith = ({ server }: StartedCouncil) =>
  connectChat(server().url, { authorization: `Bearer ${server().token}` })

/** The command lines of the processes that run on a DATA_DIR. */
function processesOn(folder: string): string[] {
  const all = execFileSync('ps', ['-eo', 'args', '--no-headers'], { encoding: 'utf8' }).split('\n')
  return all.filter((line) => line.includes(folder) && !line.startsWith('ps '))
}

type Row = Record<string, unknown>
const json = (text: string): Row[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)

// Each start of Redis, PGlite and a real model takes seconds.
describe('bin/start', { timeout: 300_000 }, () => {
  test('starts a council that names its embedded parts, answers, and accounts for the answer', async () => {
    const one = await start()
    expect(one.output()).toMatch(/log +embedded/)
    expect(one.output()).toMatch(/read models +embedded +PGlite, not crash-safe/)
    expect(one.output()).toMatch(/model +embedded +SmolLM2-135M-Instruct/)

    const chat = await council(dataDir, 'chat', 'What is the capital of France?')
    expect(chat).toMatchObject({ code: 0 })
    expect(chat.stdout).toContain('Paris')
    const events = json((await council(dataDir, 'events', '--json')).stdout)
    const completed = events.find(({ type }) => type === 'AnswerCompleted') as {
      stream: string
      data: { text: string; costMicros: number }
    }
    expect(completed.data.text).toBe(chat.stdout.trim())
    expect(completed.data.costMicros).toBeGreaterThan(0)
    expect(chat.stderr).toContain(`(${completed.data.costMicros} µ$)`)

    const audit = json((await council(dataDir, 'audit', 'cost', '--json')).stdout).at(-1)
    expect(audit).toMatchObject({
      kind: 'total',
      costMicros: completed.data.costMicros,
      readModel: { state: 'agrees', rows: 1 },
    })
    expect(await council(dataDir, 'state', completed.stream)).toMatchObject({ code: 0 })
    expect(await council(dataDir, 'rebuild')).toMatchObject({ code: 0 })
    expect(json((await council(dataDir, 'audit', 'cost', '--json')).stdout).at(-1)).toEqual(audit)
  })

  test('is refused on a DATA_DIR whose council runs, and that council continues', async () => {
    const one = await start()
    await expect(startCouncil(dataDir)).rejects.toThrow(`A council already runs on ${dataDir} (pid ${one.child.pid}`)
    expect(await council(dataDir, 'events')).toMatchObject({ code: 0 })
  })

  test('with a missing model fails with its path, and leaves nothing running', async () => {
    await expect(startCouncil(dataDir, { MODEL_PATH: '/nowhere/model.gguf' })).rejects.toThrow(
      'MODEL_PATH is /nowhere/model.gguf, which does not exist',
    )
  })

  test('after a kill of all processes continues the answer after its last word, and ends it once', async () => {
    const killed = await start()
    const client = await chatWith(killed)
    const requestId = client.ask({ text: 'Tell me a long story about a ship that sails around the world.' })
    const { id } = await client.frame('token', 3)
    await killed.killGroup()
    await client.closed
    const seen = client.text()

    const again = await start()
    const resumed = await chatWith(again)
    const last = client.frames.findLast((frame) => 'id' in frame)
    resumed.send({ type: 'resume', requestId, lastEventId: last && 'id' in last ? last.id : id })
    const { text } = await resumed.frame('completed')
    expect(seen.length).toBeGreaterThan(0)
    expect(seen + resumed.text()).toBe(text)

    const events = json((await council(dataDir, 'events', '--stream', `chat/${requestId}`, '--json')).stdout)
    expect(events.filter(({ type }) => String(type).startsWith('Answer'))).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'AttemptStarted')).toHaveLength(2)
    expect(json((await council(dataDir, 'audit', 'cost', '--json')).stdout).at(-1)).toMatchObject({
      readModel: { state: 'agrees' },
    })
  })
})
