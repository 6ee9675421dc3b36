import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { ListPrice } from '../../../src/commands/prices/list-price.ts'
import { noCouncil } from '../../../src/cli/running-council.ts'
import { PriceName } from '../../../src/events/prices.ts'
import { acquireDataDirLock } from '../../../src/platform/process/data-dir-lock.ts'
import { dataPaths } from '../../../src/platform/process/data-dir.ts'
import { removeStartFile, writeStartFile } from '../../../src/platform/process/start-file.ts'
import { macKeyFile } from '../../support/audited.ts'
import { unreachableDatabase } from '../../support/cli.ts'
import { openTestCouncil } from '../../support/council.ts'
import { councilSettings, redisUrl } from '../../support/shared-servers.ts'
import { vllmServer } from '../../support/vllm-client.ts'

const main = join(import.meta.dirname, '../../../src/main.ts')
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'd-'))
  undo.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

type Line = { level?: string; code?: string; msg?: string; progress?: string; state?: string }

/** Starts a council that fails; resolves with its exit code and its log. */
async function failedStart(settings: Record<string, string>, roles = 'api') {
  const dataDir = join(folder(), 'data')
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: dataDir, PORT: '0', ...settings }
  const child = spawn(process.execPath, [main, 'serve', '--roles', roles], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  return { code: code as number, dataDir, fatal: lines.filter(({ level }) => level === 'fatal'), lines }
}

/** A server on a free port of this machine. */
async function serverOf(
  answer: Parameters<typeof createServer>[1] = (_, response) => void response.end(),
): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.push(() => server.close())
  return (server.address() as AddressInfo).port
}

test('a port that is taken ends the start before any child starts, with one line that names it', async () => {
  const port = await serverOf()
  const { code, dataDir, fatal, lines } = await failedStart({ PORT: String(port) })
  expect(code).toBe(1)
  const reason = new RegExp(`: listening failed: 127\\.0\\.0\\.1:${port} .*set PORT.*\\(EADDRINUSE\\)$`)
  expect(fatal).toMatchObject([{ code: 'port_unavailable', msg: expect.stringMatching(reason) }])
  expect(lines).toHaveLength(1)
  expect(existsSync(dataPaths(dataDir).redis)).toBe(false)
  expect(existsSync(dataPaths(dataDir).pglite)).toBe(false)
})

const reachable = { REDIS_URL: redisUrl, REDIS_EPHEMERAL_URL: redisUrl }
test.each([
  [
    'connecting to Redis',
    'redis_unreachable',
    { ...reachable, REDIS_URL: 'redis://user:a-password@127.0.0.1:1' },
    '127.0.0.1:1: ',
  ],
  [
    'connecting to the ephemeral Redis',
    'redis_unreachable',
    { ...reachable, REDIS_EPHEMERAL_URL: 'redis://user:a-password@127.0.0.1:2' },
    '127.0.0.1:2: ',
  ],
  ['connecting to Postgres', 'postgres_unreachable', reachable, '127.0.0.1:3'],
])(
  'a failure of %s ends the start with the address, without its password',
  async (step, errorCode, settings, address) => {
    const DATABASE_URL = 'postgres://user:a-password@127.0.0.1:3/council'
    const { code, fatal, lines } = await failedStart({ DATABASE_URL, ...settings })
    expect(code).toBe(1)
    expect(fatal).toMatchObject([{ code: errorCode, msg: expect.stringContaining(`${step} failed: `) }])
    expect(fatal[0]?.msg).toContain(address)
    expect(JSON.stringify(lines)).not.toContain('a-password')
    expect(lines.filter(({ state, progress }) => state === 'failed' && progress !== step)).toEqual([])
  },
  120_000,
)

test('several models, adapters included, without a choice are an error of the settings that lists them', async () => {
  const [base, adapter] = [
    { id: 'base', max_model_len: 2048 },
    { id: 'adapter', parent: 'base' },
  ]
  const models = JSON.stringify({ object: 'list', data: [base, adapter] })
  const port = await serverOf((request, response) => void response.end(request.url === '/v1/models' ? models : ''))
  const VLLM_URL = `http://127.0.0.1:${port}`
  const { code, fatal } = await failedStart({ ...reachable, DATABASE_URL: unreachableDatabase, VLLM_URL }, 'worker')
  expect(code).toBe(2)
  expect(fatal).toMatchObject([{ code: 'usage', msg: expect.stringContaining('base, adapter') }])
})

test('the command line reports the progress of a council that is starting', () => {
  const dataDir = folder()
  expect(noCouncil(`on ${dataDir}`, dataDir)).toMatchObject({ code: 'no_council' })
  writeStartFile(dataDir, new Date().toISOString(), 'loading the model')
  const message = expect.stringContaining(`(pid ${process.pid}, for 0 s, now: loading the model)`)
  expect(noCouncil(`on ${dataDir}`, dataDir)).toMatchObject({ code: 'council_starting', message })
  removeStartFile(dataDir)
  expect(noCouncil(`on ${dataDir}`, dataDir)).toMatchObject({ code: 'no_council' })
})

test('the command line reports no council for a start that was killed', () => {
  const dataDir = folder()
  const lock = acquireDataDirLock(dataDir)
  undo.push(() => lock.held && lock.release())
  const start = { pid: process.pid, startTicks: 1, startedAt: new Date().toISOString(), step: 'starting Redis' }
  writeFileSync(dataPaths(dataDir).startFile, JSON.stringify(start))
  expect(noCouncil(`on ${dataDir}`, dataDir)).toMatchObject({ code: 'no_council' })
})

test('a model without a price is named with the line to add, instead of being free', async () => {
  const { url } = await vllmServer({ model: 'unpriced' })
  const { code, fatal } = await failedStart(await councilSettings({ VLLM_URL: url }), 'worker')
  expect(code).toBe(1)
  expect(fatal).toMatchObject([
    {
      code: 'model_unpriced',
      msg: expect.stringMatching(/unpriced: no price in .*prices\.json.*"models":\["unpriced"\]/) as unknown,
    },
  ])
})

test('a price that the log has at other rates ends the start of the worker', async () => {
  const { url } = await vllmServer({ model: 'smollm2' })
  const settings = await councilSettings({ VLLM_URL: url, MAC_KEY_FILE: macKeyFile() })
  const council = await openTestCouncil(redisUrl, settings.COUNCIL_ID)
  undo.push(council.close)
  const rates = { promptMicrosPer1000: 150, cachedPromptMicrosPer1000: 150, completionMicrosPer1000: 599 }
  const priceRef = 'smollm2@150/600'
  await council.execute(ListPrice, { name: PriceName.parse('smollm2'), priceRef, models: ['smollm2'], ...rates })
  const { code, fatal } = await failedStart(settings, 'worker')
  expect(code).toBe(1)
  expect(fatal).toMatchObject([{ code: 'price_changed', msg: expect.stringContaining(priceRef) as unknown }])
})
