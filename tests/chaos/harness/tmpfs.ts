import { execFile } from 'node:child_process'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RedisServer } from '../../support/redis-server.ts'
import { backUp, putBack } from './aof.ts'

const run = promisify(execFile)
const sizeMegabytes = 16

/** Only root may mount; everybody else has the limit on a file's size, which is the same to Redis. */
export const canMount = process.getuid?.() === 0

/** Redis goes on writing meanwhile, and may have taken what was left: then the disk is as full as it should be. */
function unlessFull(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
}

/** Moves the append-only files to a small file system, fills it until Redis fails, makes room, and moves them back. */
export async function fillDisk(redis: RedisServer, leaveBytes: number): Promise<void> {
  const mounted = join(redis.dir, 'appendonlydir')
  await redis.kill()
  const before = await backUp(redis)
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMegabytes}m`, 'tmpfs', mounted])
  try {
    await run('cp', ['-a', `${before}/.`, mounted])
    await redis.start()
    const { bavail, bsize } = await statfs(mounted)
    const filler = join(mounted, 'filler')
    await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes))).catch(unlessFull)
    await redis.ended()
    await rm(filler)
    await redis.start()
    await redis.kill()
    const after = await backUp(redis)
    await run('umount', [mounted])
    await putBack(redis, after)
  } catch (error) {
    await redis.kill()
    await run('umount', [mounted])
    throw error
  }
  await redis.start()
}
