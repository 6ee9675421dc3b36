import { readFileSync } from 'node:fs'
import type { RedisClient } from '../../../platform/redis/cluster.ts'
import { logReplaced } from '../integrity/log-stopped.ts'
import type { LogKeys } from '../keys.ts'
import type { LeaseAnswer, LeaseRequest } from '../log.ts'

const script = readFileSync(new URL('hold-lease.lua', import.meta.url), 'utf8')

/** Runs hold-lease.lua for one council. Throws LogStopped `log_replaced`. */
export async function holdLease(
  redis: RedisClient,
  keys: LogKeys,
  incarnation: string,
  { holder, token, lengthMs }: LeaseRequest,
): Promise<LeaseAnswer> {
  const reply = await redis.eval(script, 1, keys.meta, incarnation, holder, token ?? '', lengthMs)
  const [outcome, found = '', leftMs] = reply as string[]
  switch (outcome) {
    case 'held':
      return { held: true, token: Number(found) }
    case 'taken':
      return { held: false, by: found, leftMs: Number(leftMs) }
    case 'wrong_log':
      throw logReplaced(found)
    default:
      throw new Error(`hold-lease.lua answered ${JSON.stringify(outcome)}`)
  }
}
