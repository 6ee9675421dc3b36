import { cp, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RedisServer } from '../../support/redis-server.ts'

const folder = 'appendonlydir'

/** The file that Redis appends to (7.0: the newest of the increments). */
export async function aofFile({ dir }: Pick<RedisServer, 'dir'>): Promise<string> {
  const increments = (await readdir(join(dir, folder))).filter((name) => name.endsWith('.incr.aof'))
  const newest = increments.toSorted((left, right) => numberOf(left) - numberOf(right)).at(-1)
  if (newest === undefined) throw new Error(`${dir} has no append-only file`)
  return join(dir, folder, newest)
}

const numberOf = (name: string): number => Number(/\.(\d+)\.incr\.aof$/.exec(name)?.[1])

/** Copies the append-only files. The copy of a running server may end inside its last write, as in any such backup. */
export async function backUp({ dir }: Pick<RedisServer, 'dir'>): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'aof-'))
  await cp(join(dir, folder), copy, { recursive: true })
  return copy
}

/** Replaces the append-only files with a copy; the server must not run. */
export async function putBack({ dir }: Pick<RedisServer, 'dir'>, copy: string): Promise<void> {
  await rm(join(dir, folder), { recursive: true })
  await cp(copy, join(dir, folder), { recursive: true })
}

/** Cuts a share of the file off its end, also inside a command. */
export async function cutTail(redis: Pick<RedisServer, 'dir'>, percent: number): Promise<void> {
  const file = await aofFile(redis)
  const { size } = await stat(file)
  await truncate(file, Math.floor((size * (100 - percent)) / 100))
}

/** As a client sent it. */
const flushed = '*1\r\n$8\r\nflushall\r\n'

/** Removes a FLUSHALL from the end of the file; false if it is not the last command. */
export async function undoFlush(redis: Pick<RedisServer, 'dir'>): Promise<boolean> {
  const file = await aofFile(redis)
  const content = await readFile(file)
  if (content.subarray(-flushed.length).toString('latin1').toLowerCase() !== flushed) return false
  await truncate(file, content.length - flushed.length)
  return true
}
