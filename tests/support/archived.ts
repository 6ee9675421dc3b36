import { postgresArchive, type Archive } from '../../src/events/log/archive/archive.ts'
import { chainStart, extendChain } from '../../src/events/log/archive/chain.ts'
import { storedEvent } from '../../src/events/log/read/stored-event.ts'
import type { Postgres } from '../../src/platform/postgres/postgres.ts'
import type { TestCouncil } from './council.ts'

/** Archives the current log of a council, as the archiver does. */
export async function archiveAll(
  { redis, keys, councilId }: TestCouncil,
  postgres: Postgres<unknown>,
): Promise<Archive> {
  const archive = postgresArchive(postgres)
  const identity = { councilId, incarnation: (await redis.hget(keys.meta, 'incarnation')) ?? '' }
  const checkpoint = await archive.checkpoint()
  let head = checkpoint?.chainHead ?? chainStart(identity)
  const entries = await redis.xrange(keys.log, checkpoint ? `(${checkpoint.position}` : '-', '+')
  const events = entries.map(storedEvent).map((event) => ({ ...event, chainHead: (head = extendChain(head, event)) }))
  if (!(await archive.add(checkpoint, identity, events))) throw new Error('another archiver writes this archive')
  return archive
}
