import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readServerFile } from '../../src/platform/process/server-file.ts'
import { stopChild } from '../support/child.ts'
import { processLine, transcriptOf } from '../support/process-line.ts'
import { council } from '../support/started-council.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'full-'))
const isRoot = process.getuid?.() === 0

/**
 * A council with everything embedded but a model, whose DATA_DIR is a small file system of its own. It is mounted where only that
 * process and its children see it, so it goes with them.
 */
const mounted = 'mount -t tmpfs -o size=160m tmpfs "$1" && shift && exec "$@"'
const child = spawn(
  'unshare',
  [
    ...(isRoot ? [] : ['--user', '--map-root-user']),
    '--mount',
    'sh',
    '-c',
    mounted,
    'sh',
    folder,
    process.execPath,
    main,
    'serve',
  ],
  {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DATA_DIR: folder,
      PORT: '0',
      VLLM_URL: 'http://127.0.0.1:9',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  },
)

/** The same folder, as that process sees it. */
const dataDir = `/proc/${child.pid}/root${folder}`
const filler = join(dataDir, 'filler')

beforeAll(() => processLine(child, /Ctrl-C stops everything/, 120_000), 130_000)
afterAll(async () => {
  await stopChild(child, 'SIGTERM')
  await rm(folder, { recursive: true, force: true })
})

const server = () => readServerFile(dataDir) ?? { url: '', token: '' }

/** Opens an account; the code of what was not done, or `done`. */
async function open(account: string): Promise<string> {
  const { url, token } = server()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': account }
  const { statusCode, body } = await request(`${url}/v1/commands/OpenAccount`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ account }),
  })
  const answer = (await body.json()) as { code?: string }
  return statusCode === 200 ? 'done' : (answer.code ?? String(statusCode))
}

type Health = Record<string, { status: string; output: string }>

/** Looks at /health until it is as expected, and returns what it says. */
async function healthOnce(isExpected: (health: Health) => boolean): Promise<Health> {
  for (;;) {
    const { url, token } = server()
    const { body } = await request(`${url}/health`, { headers: { authorization: `Bearer ${token}` } })
    const { checks } = (await body.json()) as {
      checks: ({ name: string } & Health[string])[] | Record<string, Health[string][]>
    }
    const health = Array.isArray(checks)
      ? Object.fromEntries(checks.map((check) => [check.name, check]))
      : Object.fromEntries(Object.entries(checks).flatMap(([name, [check]]) => (check ? [[name, check]] : [])))
    if (isExpected(health)) return health
  }
}

/** Writes until nothing goes in any more. */
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

test('a full disk is named, costs no flood of log lines, and is got over by itself once there is room', async () => {
  expect(await open('agent:before')).toBe('done')
  fill()
  const failed = await open('agent:meanwhile')
  expect(['outcome_unknown', 'log_unavailable']).toContain(failed)
  const full = await healthOnce((health) => health['log']?.status === 'fail')
  expect(full['log']?.output).toMatch(/disk_full: the disk that holds DATA_DIR is full/)
  await processLine(child, /"code":"disk_full"/)

  // As many commands as clients would send, long past the sixth restart.
  await healthOnce((health) => Number(/tried (\d+) times/.exec(health['log']?.output ?? '')?.[1] ?? 0) > 6)
  for (let n = 0; n < 500; n++) expect(await open(`agent:late-${n}`)).toMatch(/log_unavailable|outcome_unknown/)
  const lines = transcriptOf(child).filter((line) => line.startsWith('{'))
  expect(
    lines.filter((line) => line.includes('"level":"warn"') || line.includes('"level":"error"')).length,
  ).toBeLessThan(60)
  expect(lines.filter((line) => line.includes('enableOfflineQueue'))).toEqual([])

  rmSync(filler)
  await processLine(child, /"msg":"a child process was started again"/, 60_000)
  while ((await open('agent:meanwhile')) !== 'done');
  await healthOnce((health) =>
    ['log', 'commands', 'archiver', 'read models'].every((name) => health[name]?.status === 'pass'),
  )
  const verdict = await council(dataDir, 'audit', 'verify')
  expect(verdict).toMatchObject({ code: 0, stdout: expect.stringContaining('no fault') as unknown })
  expect(readFileSync(join(dataDir, 'logs/redis.log'), 'utf8')).not.toBe('')
}, 300_000)
