import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { secretFile } from '../../../src/platform/process/secret-file.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'secret-'))

describe('a file that holds a secret', () => {
  test('is created once, completely, and private to this user', () => {
    const dir = folder()
    const path = join(dir, 'key')
    expect(secretFile(path, () => 'first')).toBe('first')
    expect(secretFile(path, () => 'second')).toBe('first')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(dir)).toEqual(['key'])
  })

  test('that another process creates at the same time keeps its content', () => {
    const dir = folder()
    const path = join(dir, 'key')
    const text = secretFile(path, () => {
      writeFileSync(path, 'theirs', { mode: 0o600 })
      return 'ours'
    })
    expect(text).toBe('theirs')
    expect(readdirSync(dir)).toEqual(['key'])
  })

  test('that other users may read is refused, and not changed', () => {
    const path = join(folder(), 'key')
    writeFileSync(path, 'known to all')
    chmodSync(path, 0o644)
    expect(() => secretFile(path, () => 'new')).toThrow(
      expect.objectContaining({ code: 'secret_file_unusable', message: expect.stringContaining('chmod 600') }),
    )
    expect(readFileSync(path, 'utf8')).toBe('known to all')
  })

  test('that belongs to another user is refused with the commands to run', () => {
    const path = join(folder(), 'key')
    writeFileSync(path, 'theirs', { mode: 0o600 })
    const self = process.getuid?.() ?? 0
    // Only the superuser can change the owner; for other users the test changes the expected owner.
    if (self === 0) chownSync(path, 65_534, 65_534)
    const us = self === 0 ? 0 : self + 1
    const message = expect.stringContaining(`chown ${us} ${path} && chmod 600 ${path}`)
    expect(() => secretFile(path, () => 'new', us)).toThrow(
      expect.objectContaining({ code: 'secret_file_unusable', message }),
    )
  })

  test('that cannot be created is reported', () => {
    expect(() => secretFile(join(folder(), 'missing', 'key'), () => 'x')).toThrow(
      expect.objectContaining({ code: 'secret_file_unusable' }),
    )
  })
})
