import type { Logger } from '../../../platform/logger.ts'

/** Above this share of Redis' memory no new work starts; open work can still be settled, released and cancelled. */
const nearlyFullShare = 0.85
const lookEveryMs = 1_000

/** A Redis that reports its memory. */
type MemoryInfo = { info: (section: 'memory') => Promise<string> }

/** The used share of `maxmemory`, or of the machine's memory if that is not set, from 0 to 1. */
export async function memoryShare(redis: MemoryInfo): Promise<number> {
  const info = await redis.info('memory')
  const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const limit = field('maxmemory') || field('total_system_memory')
  return limit === 0 ? 0 : field('used_memory') / limit
}

export type MemoryWatch = { isNearlyFull: () => boolean; stop: () => void }

/** Polls the memory of a Redis. The last value stays in effect while Redis does not answer. */
export async function watchMemory(redis: MemoryInfo, logger: Logger): Promise<MemoryWatch> {
  let share = await memoryShare(redis)
  let looking = false
  const look = async (): Promise<void> => {
    const before = share
    share = await memoryShare(redis).catch(() => share)
    if (share >= nearlyFullShare && before < nearlyFullShare)
      logger.error({ share }, "the log's memory is nearly used up: no new work starts")
  }
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void look().finally(() => void (looking = false))
  }, lookEveryMs)
  timer.unref()
  return { isNearlyFull: () => share >= nearlyFullShare, stop: () => clearInterval(timer) }
}
