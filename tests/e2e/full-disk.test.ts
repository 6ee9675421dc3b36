import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readServerFile } from '../../src/platform/process/server-file.ts'
import { apiGet, executeCommand } from '../support/api-client.ts'
import { stopChild } from '../support/child.ts'
import { processLine, transcriptOf } from '../support/process-line.ts'
import { council } from '../support/started-council.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'full-'))

/**
 * A council with everything embedded except a model. Its DATA_DIR is a small file system that only this process and its
 * children see, so it ends with them.
 */
const mounted = 'mount -t tmpfs -o size=160m tmpfs "$1" && shift && exec "$@"'
const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
const { PATH, HOME } = process.env
const child = spawn(
  'unshare',
  [...asRoot, '--mount', 'sh', '-c', mounted, 'sh', folder, process.execPath, main, 'serve'],
  {
    env: { PATH, HOME, DATA_DIR: folder, PORT: '0', VLLM_URL: 'http://127.0.0.1:9' },
    stdio: ['ignore', 'pipe', 'pipe'],
  },
)

/** The DATA_DIR as the council sees it. */
const dataDir = `/proc/${child.pid}/root${folder}`
const filler = join(dataDir, 'filler')

beforeAll(() => processLine(child, /Ctrl-C stops everything/, 120_000), 130_000)
afterAll(async () => {
  await stopChild(child, 'SIGTERM')
  await rm(folder, { recursive: true, force: true })
})

const server = () => readServerFile(dataDir) ?? { url: '', token: '' }

/** Opens an account; resolves with `done` or the code of the failure. */
async function open(account: string): Promise<string> {
  const { status, body } = await executeCommand(server(), 'OpenAccount', { account }, account)
  return status === 200 ? 'done' : ((body['code'] as string | undefined) ?? String(status))
}

type Health = Record<string, { status: string; output: string }>

/** Polls /health until it is as expected, and returns it. */
async function healthOnce(isExpected: (health: Health) => boolean): Promise<Health> {
  for (;;) {
    const { body } = await apiGet(server(), '/health', { authorization: `Bearer ${server().token}` })
    const checks = Object.entries(body['checks'] as Record<string, Health[string][]>)
    const health = Object.fromEntries(checks.flatMap(([name, [check]]) => (check ? [[name, check]] : [])))
    if (isExpected(health)) return health
  }
}

/** Writes until the disk is full. */
function fill(): void {
  const file = openSync(filler, 'a', 0o600)
  try {
    for (const bytes of [65_536, 512]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(bytes))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    }
  } finally {
    closeSync(file)
  }
}

test('a full disk is reported with few log lines, and the council recovers by itself once there is room', async () => {
  expect(await open('agent:before')).toBe('done')
  fill()
  // The last page of the append-only file may still have room for a few appends.
  let [account, failed] = ['', 'done']
  for (let n = 0; failed === 'done'; n++) failed = await open((account = `agent:meanwhile-${n}`))
  expect(['outcome_unknown', 'log_unavailable']).toContain(failed)
  const full = await healthOnce((health) => health['log']?.status === 'fail')
  expect(full['log']?.output).toMatch(/disk_full: the disk that holds DATA_DIR is full/)
  await processLine(child, /"code":"disk_full"/)

  // Clients send many commands, long after the sixth restart.
  await healthOnce((health) => Number(/tried (\d+) times/.exec(health['log']?.output ?? '')?.[1] ?? 0) > 6)
  for (let n = 0; n < 500; n++) expect(await open(`agent:late-${n}`)).toMatch(/log_unavailable|outcome_unknown/)
  const lines = transcriptOf(child).filter((line) => line.startsWith('{'))
  expect(lines.filter((line) => /"level":"(warn|error)"/.test(line)).length).toBeLessThan(60)
  expect(lines.filter((line) => line.includes('enableOfflineQueue'))).toEqual([])

  rmSync(filler)
  await processLine(child, /"msg":"a child process was started again"/, 60_000)
  while ((await open(account)) !== 'done');
  await healthOnce((health) =>
    ['log', 'commands', 'archiver', 'read models'].every((name) => health[name]?.status === 'pass'),
  )
  const verdict = await council(dataDir, 'audit', 'verify')
  expect(verdict).toMatchObject({ code: 0, stdout: expect.stringContaining('no fault') })
  expect(readFileSync(join(dataDir, 'logs/redis.log'), 'utf8')).not.toBe('')
}, 300_000)
