import { execFile, type ExecException } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adminToken } from '../../../src/cli/serve/admin-token.ts'
import { dataPaths } from '../../../src/platform/process/data-dir.ts'

const main = join(import.meta.dirname, '../../../src/main.ts')
/** The time after which a process that loops is killed. */
const limitMs = 30_000

/** Runs the program on a DATA_DIR; `signal` is set if it had to be killed. */
const council = (dataDir: string, ...args: string[]) =>
  new Promise<{ code: number; signal: string | null; stderr: string }>((resolve) => {
    const env = { PATH: process.env['PATH'], HOME: mkdtempSync(join(tmpdir(), 'home-')), DATA_DIR: dataDir, PORT: '0' }
    execFile(
      process.execPath,
      [main, ...args],
      { env, timeout: limitMs, killSignal: 'SIGKILL' },
      (error: ExecException | null, _, stderr) =>
        resolve({ code: Number(error?.code ?? 0), signal: error?.signal ?? null, stderr }),
    )
  })

const folder = (): string => mkdtempSync(join(tmpdir(), 'd-'))
function aFile(): string {
  const path = join(folder(), 'file')
  writeFileSync(path, 'something')
  return path
}
function aLoop(): string {
  const dir = folder()
  symlinkSync(join(dir, 'b'), join(dir, 'a'))
  symlinkSync(join(dir, 'a'), join(dir, 'b'))
  return join(dir, 'a')
}
/** A folder without write access. The superuser lacks it only in the file systems of the kernel. */
function readOnly(): string {
  if (process.getuid?.() === 0) return '/sys/council'
  const dir = folder()
  chmodSync(dir, 0o500)
  return join(dir, 'council')
}

const unusable: [string, () => string][] = [
  ['in /proc', () => '/proc/council'],
  ['below a process', () => '/proc/self/fd/council'],
  ['that is a file', aFile],
  ['below a file', () => join(aFile(), 'council')],
  ['that is a device', () => '/dev/null'],
  ['in a folder that is read-only', readOnly],
  ['whose path is too long', () => join(folder(), 'x'.repeat(300))],
  ['that is a loop of links', aLoop],
]

describe('a start on a DATA_DIR', () => {
  test.each(unusable)('%s ends with one line that names it', async (_, dataDirOf) => {
    const dataDir = dataDirOf()
    const { code, signal, stderr } = await council(dataDir, 'serve')
    expect({ code, signal }).toEqual({ code: 1, signal: null })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toContain(dataDir)
    expect(stderr).toContain('data_dir_unusable')
  })
})

describe('a DATA_DIR that does not exist', () => {
  test.each([
    ...['restore', 'restore --dry-run', 'chat Hello?', 'events', 'state account/reserve'],
    ...['audit cost', 'audit account reserve', 'audit verify', 'rebuild'],
  ])('is named by council %s, and not created', async (command) => {
    const dataDir = join(folder(), 'mistyped')
    const { code, stderr } = await council(dataDir, ...command.split(' '))
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`^error: .*${dataDir}.*\\((data_dir_unusable|no_council)\\)\n$`))
    expect(existsSync(dataDir)).toBe(false)
  })

  test('is not created in a folder that belongs to something else', async () => {
    const dataDir = folder()
    writeFileSync(join(dataDir, 'thesis.tex'), '')
    chmodSync(dataDir, 0o755)
    for (const command of ['events', 'restore', 'chat Hello?'])
      expect((await council(dataDir, ...command.split(' '))).code).toBe(1)
    expect(readdirSync(dataDir)).toEqual(['thesis.tex'])
    expect(statSync(dataDir).mode & 0o777).toBe(0o755)
  })
})

describe('a secret that other users may read', () => {
  const open = (name: 'adminToken' | 'macKey' | 'sealKey' | 'serverFile', text: string): string => {
    const dataDir = folder()
    const path = dataPaths(dataDir)[name]
    writeFileSync(path, text)
    chmodSync(path, 0o640)
    return dataDir
  }

  test('is refused as the admin token, with the chmod to run', () => {
    const dataDir = open('adminToken', 'a-token-that-is-long-enough-for-this\n')
    const message = expect.stringContaining(`chmod 600 ${dataPaths(dataDir).adminToken}`)
    expect(() => adminToken(undefined, dataDir)).toThrow(
      expect.objectContaining({ code: 'secret_file_unusable', message }),
    )
  })

  test('is refused as the server file of the command line, which would send its token elsewhere', async () => {
    const server = { url: 'http://127.0.0.1:1', token: 'x', pid: 1, startedAt: '2026-01-01T00:00:00.000Z' }
    const dataDir = open('serverFile', JSON.stringify(server))
    const { code, stderr } = await council(dataDir, 'chat', 'Hello?')
    expect(code).toBe(1)
    expect(stderr).toContain(`chmod 600 ${dataPaths(dataDir).serverFile}`)
  })

  test('is refused as an admin token of a few characters', () => {
    const dataDir = folder()
    writeFileSync(dataPaths(dataDir).adminToken, 'short\n', { mode: 0o600 })
    expect(() => adminToken(undefined, dataDir)).toThrow(expect.objectContaining({ code: 'secret_file_unusable' }))
  })
})
