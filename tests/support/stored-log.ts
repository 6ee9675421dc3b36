import type { Archive } from '../../src/events/log/archive/archive.ts'
import type { LogIdentity } from '../../src/events/log/archive/chain.ts'
import { storedLog, type StoredLog } from '../../src/events/log/read/stored-log.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis } from '../../src/platform/redis/connection.ts'
import type { TestCouncil } from './council.ts'

/** The identity of a council's log, as Redis has it. */
export const identityOf = async ({ councilId, redis, keys }: TestCouncil): Promise<LogIdentity> => ({
  councilId,
  incarnation: (await redis.hget(keys.meta, 'incarnation')) ?? '',
})

/** The log of a test's council as it was written, over its archive and Redis. */
export const storedLogOf = ({ redis, keys }: TestCouncil, redisUrl: string, archive?: Archive): StoredLog =>
  storedLog({
    redis,
    openBlocking: () => connectRedis({ url: redisUrl, role: 'blocking', name: 'test-archiver', logger: silentLogger }),
    keys,
    ...(archive && { archive }),
  })
