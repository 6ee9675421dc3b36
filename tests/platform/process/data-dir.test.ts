import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { acquireDataDirLock } from '../../../src/platform/process/data-dir-lock.ts'
import { dataPaths } from '../../../src/platform/process/data-dir.ts'
import { readServerFile, removeServerFile, writeServerFile } from '../../../src/platform/process/server-file.ts'
import { socketDir } from '../../../src/platform/process/socket-dir.ts'
import { processLine } from '../../support/process-line.ts'

const newDir = (): string => join(mkdtempSync(join(tmpdir(), 'data-')), 'data')
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const server = { url: 'http://127.0.0.1:8787', token: 'secret', pid: 4711, startedAt: '2026-01-01T00:00:00.000Z' }

/** Another process that takes the lock and keeps it until it is killed. */
async function holderOf(dataDir: string) {
  const program = `import { acquireDataDirLock } from '${import.meta.resolve('../../../src/platform/process/data-dir-lock.ts')}'
    console.log(acquireDataDirLock(process.argv[1]).held ? 'holds it' : 'refused')
    setInterval(() => {}, 1e9)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dataDir])
  const line = await processLine(child, /holds it|refused/)
  const kill = async (): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  return { line, kill }
}

describe('the lock of a DATA_DIR', () => {
  test('is refused to a second council, in this process and in another', async () => {
    const dataDir = newDir()
    const first = acquireDataDirLock(dataDir)
    expect(first.held).toBe(true)
    expect(acquireDataDirLock(dataDir)).toEqual({ held: false, heldBy: undefined, url: undefined })
    const other = await holderOf(dataDir)
    expect(other.line).toBe('refused')
    await other.kill()
    // A refused attempt opened and closed the lock file; the first must still hold it.
    expect(acquireDataDirLock(dataDir).held).toBe(false)
    if (first.held) first.release()
    expect(acquireDataDirLock(dataDir).held).toBe(true)
  })

  test('is free as soon as its holder is killed', async () => {
    const dataDir = newDir()
    const other = await holderOf(dataDir)
    expect(other.line).toBe('holds it')
    expect(acquireDataDirLock(dataDir).held).toBe(false)
    await other.kill()
    expect(acquireDataDirLock(dataDir).held).toBe(true)
  })

  test('names its holder once that has written its server file, and removes the file of a killed holder', () => {
    const dataDir = newDir()
    mkdirSync(dataDir)
    writeServerFile(dataDir, { ...server, pid: 1 })
    const lock = acquireDataDirLock(dataDir)
    expect(readServerFile(dataDir)).toBeUndefined()
    writeServerFile(dataDir, server)
    expect(acquireDataDirLock(dataDir)).toEqual({ held: false, heldBy: 4711, url: 'http://127.0.0.1:8787' })
    if (lock.held) lock.release()
  })

  test('makes the folder private, and refuses a folder that belongs to something else', () => {
    const dataDir = newDir()
    mkdirSync(dataDir, { mode: 0o755 })
    expect(acquireDataDirLock(dataDir).held).toBe(true)
    expect(modeOf(dataDir)).toBe('700')

    const home = newDir()
    mkdirSync(home, { mode: 0o755 })
    writeFileSync(join(home, 'thesis.tex'), '')
    expect(() => acquireDataDirLock(home)).toThrow(expect.objectContaining({ code: 'data_dir_unusable' }))
    expect(modeOf(home)).toBe('755')
    expect(readdirSync(home)).toEqual(['thesis.tex'])
  })

  test('reports a file that is no lock', () => {
    const dataDir = newDir()
    mkdirSync(dataDir)
    writeFileSync(dataPaths(dataDir).lock, 'x'.repeat(5_000))
    expect(() => acquireDataDirLock(dataDir)).toThrow(
      `${dataPaths(dataDir).lock} cannot be locked: file is not a database`,
    )
  })
})

describe('the server file', () => {
  test('is private to this user, and written completely or not at all', () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'data-'))
    writeServerFile(dataDir, server)
    writeServerFile(dataDir, { ...server, pid: 4712 })
    expect(readServerFile(dataDir)).toEqual({ ...server, pid: 4712 })
    expect(modeOf(dataPaths(dataDir).serverFile)).toBe('600')
    expect(readdirSync(dataDir)).toEqual(['server.json'])
    removeServerFile(dataDir)
    expect(readServerFile(dataDir)).toBeUndefined()
  })

  test.each(['', '{', '{"url":"http://x","token":"","pid":1,"startedAt":"2026-01-01T00:00:00Z"}', '[]'])(
    'is ignored with the content %s',
    (text) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'data-'))
      writeFileSync(dataPaths(dataDir).serverFile, text, { mode: 0o600 })
      expect(readServerFile(dataDir)).toBeUndefined()
    },
  )
})

describe('the folder for sockets', () => {
  test('is in the DATA_DIR if the path is short enough for a socket, and otherwise a fixed private folder', () => {
    const short = mkdtempSync(join(tmpdir(), 'd-'))
    expect(socketDir(short)).toBe(join(short, 'run'))
    expect(modeOf(join(short, 'run'))).toBe('700')

    const long = join(short, 'x'.repeat(90))
    const temporary = mkdtempSync(join(tmpdir(), 't-'))
    const elsewhere = socketDir(long, temporary)
    expect(elsewhere.slice(temporary.length)).toMatch(/^\/council-[0-9a-f]{16}$/)
    expect(socketDir(long, temporary)).toBe(elsewhere)
    expect(socketDir(`${long}2`, temporary)).not.toBe(elsewhere)
    expect(modeOf(elsewhere)).toBe('700')
  })

  test('is refused, and left unchanged, if it is an open folder or a link', () => {
    const long = `/srv/${'x'.repeat(100)}`
    const name = basename(socketDir(long, mkdtempSync(join(tmpdir(), 't-'))))
    const target = mkdtempSync(join(tmpdir(), 't-'))
    chmodSync(target, 0o755)

    const withLink = mkdtempSync(join(tmpdir(), 't-'))
    symlinkSync(target, join(withLink, name))
    expect(() => socketDir(long, withLink)).toThrow(expect.objectContaining({ code: 'data_dir_unusable' }))

    const withOpenFolder = mkdtempSync(join(tmpdir(), 't-'))
    mkdirSync(join(withOpenFolder, name), { mode: 0o755 })
    expect(() => socketDir(long, withOpenFolder)).toThrow(expect.objectContaining({ code: 'data_dir_unusable' }))
    expect([modeOf(target), modeOf(join(withOpenFolder, name))]).toEqual(['755', '755'])
  })
})
