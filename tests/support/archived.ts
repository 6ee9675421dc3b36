import { postgresArchive, type Archive } from '../../src/events/log/archive/archive.ts'
import { chainStart, extendChain } from '../../src/events/log/archive/chain.ts'
import { storedEvent } from '../../src/events/log/read/stored-event.ts'
import type { Postgres } from '../../src/platform/postgres/postgres.ts'
import type { TestCouncil } from './council.ts'
import { identityOf } from './stored-log.ts'

/** Archives the current log of a council, as the archiver does. */
export async function archiveAll(council: TestCouncil, postgres: Postgres<unknown>): Promise<Archive> {
  const { redis, keys } = council
  const archive = postgresArchive(postgres)
  const identity = await identityOf(council)
  const checkpoint = await archive.checkpoint()
  let head = checkpoint?.chainHead ?? chainStart(identity)
  const entries = await redis.xrange(keys.log, checkpoint ? `(${checkpoint.position}` : '-', '+')
  const events = entries.map(storedEvent).map((event) => ({ ...event, chainHead: (head = extendChain(head, event)) }))
  if (!(await archive.add(checkpoint, identity, events))) throw new Error('another archiver writes this archive')
  return archive
}
