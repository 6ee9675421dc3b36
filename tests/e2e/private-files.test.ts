import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataPaths } from '../../src/platform/process/data-dir.ts'
import { stopChild } from '../support/child.ts'
import { processLine, transcriptOf } from '../support/process-line.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const dataDir = mkdtempSync(join(tmpdir(), 'private-'))
const secrets = {
  VLLM_API_KEY: 'a-key-for-vllm',
  COUNCIL_TOKEN: 'a-token-for-a-council',
  AWS_SECRET_ACCESS_KEY: 'a-key-of-the-machine',
}

/** A council with everything embedded except a model, started by a shell whose umask leaves files open to all users. */
const { PATH, HOME } = process.env
const council = spawn(
  '/bin/sh',
  ['-c', `umask 000 && exec "$0" "${main}" serve --roles api,projector,archiver`, process.execPath],
  {
    env: { PATH, HOME, DATA_DIR: dataDir, PORT: '0', VLLM_URL: 'http://127.0.0.1:9', ...secrets },
    stdio: ['ignore', 'pipe', 'pipe'],
  },
)

beforeAll(() => processLine(council, /Ctrl-C stops everything/, 120_000), 130_000)
afterAll(async () => {
  await stopChild(council, 'SIGTERM')
  await rm(dataDir, { recursive: true, force: true })
})

test('everything below DATA_DIR is private to this user, whatever the umask', () => {
  const entries = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).map((name) => join(dataDir, name))
  // A socket is protected by its folder, which is in the list too.
  const files = [dataDir, ...entries].filter((path) => !statSync(path).isSocket())
  const open = files.filter((path) => (statSync(path).mode & 0o077) !== 0)
  expect(entries.length).toBeGreaterThan(20)
  expect(open.map((path) => relative(dataDir, path))).toEqual([])
})

test('the admin token is printed to terminals only; other outputs name its file', () => {
  const token = readFileSync(dataPaths(dataDir).adminToken, 'utf8').trim()
  const output = transcriptOf(council).join('\n')
  const { logs: folder } = dataPaths(dataDir)
  const logs = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  expect(token.length).toBeGreaterThan(40)
  expect([output, ...logs].filter((text) => text.includes(token))).toEqual([])
  expect(output).toContain(`made, in ${dataPaths(dataDir).adminToken}`)
})

test('the environment of the children has none of the secrets of the council', () => {
  const { run } = dataPaths(dataDir)
  const pidFiles = readdirSync(run).filter((name) => name.endsWith('.json'))
  const environments = pidFiles.map((name) => {
    const { process: child } = JSON.parse(readFileSync(join(run, name), 'utf8')) as { process: { pid: number } }
    return readFileSync(`/proc/${child.pid}/environ`, 'utf8')
  })
  expect(environments).toHaveLength(3)
  for (const environment of environments) {
    expect(environment).toContain('PATH=')
    for (const [name, value] of Object.entries(secrets)) expect(environment).not.toMatch(new RegExp(`${name}|${value}`))
    expect(environment).not.toContain('VLLM_URL')
  }
})
