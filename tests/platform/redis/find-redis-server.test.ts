import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findRedisServer } from '../../../src/platform/redis/find-redis-server.ts'

/** A folder with a `redis-server` that says it has this version; without one it is a file that is no program. */
function folderWith(version?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-server-'))
  const says =
    version === undefined
      ? 'not a program'
      : `#!/bin/sh\necho "Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1"\n`
  writeFileSync(join(folder, 'redis-server'), says, { mode: version === undefined ? 0o644 : 0o755 })
  return folder
}

describe('a redis-server', () => {
  test('is found in PATH, then in the usual places', async () => {
    const [inPath, usual] = [folderWith('7.2.4'), folderWith('8.0.0')]
    expect(await findRedisServer(`/nowhere:${inPath}`, [usual])).toEqual({ path: join(inPath, 'redis-server') })
    expect(await findRedisServer('/nowhere', [usual])).toEqual({ path: join(usual, 'redis-server') })
  })

  test('that is older than 7 is skipped', async () => {
    const [old, newer] = [folderWith('6.2.16'), folderWith('10.0.1')]
    expect(await findRedisServer(`${old}:${newer}`, [])).toEqual({ path: join(newer, 'redis-server') })
    expect(await findRedisServer(old, [])).toBe('tooOld')
  })

  test('is missing if PATH has only a file that is no program, or a relative folder', async () => {
    expect(await findRedisServer(`${folderWith()}:.:`, [])).toBe('missing')
  })

  test('of this machine is found', async () => {
    expect(await findRedisServer(process.env['PATH'] ?? '')).toHaveProperty('path')
  })
})
