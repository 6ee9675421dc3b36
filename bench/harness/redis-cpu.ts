import type { BenchCouncil } from './bench-council.ts'

/** The CPU time of Redis's main thread so far. On a shared machine it says more than wall time. */
export async function redisCpuMicros({ redis }: Pick<BenchCouncil, 'redis'>): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = (name: string): number => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1])
  return Math.round((seconds('used_cpu_user_main_thread') + seconds('used_cpu_sys_main_thread')) * 1e6)
}
