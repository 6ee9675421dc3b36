import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenAccount } from '../../../../src/commands/treasury/open-account.ts'
import { eventsAt } from '../../../../src/events/log/read/events-at.ts'
import type { Position } from '../../../../src/events/identifiers.ts'
import { migrate } from '../../../../src/projections/engine/migrate.ts'
import { archiveAll } from '../../../support/archived.ts'
import { openTestCouncil } from '../../../support/council.ts'
import { openPostgres } from '../../../support/databases.ts'
import { suiteDatabase } from '../../../support/lifetimes.ts'
import { freshCouncilId, redisUrl } from '../../../support/shared-servers.ts'
import { id } from '../../../support/treasury.ts'

describe('the events at places', async () => {
  const db = await suiteDatabase(openPostgres)
  await migrate(db.postgres)

  test('come from Redis and the archive, in the order of the places, wherever they are', async () => {
    const council = await openTestCouncil(redisUrl, freshCouncilId())
    for (let n = 0; n < 30; n++) await council.execute(OpenAccount, { account: id(`agent:a${n}`) })
    const events = await council.events()
    const archive = await archiveAll(council, db.postgres)
    const read = eventsAt(council.redis, council.keys, archive)
    const readsAll = fc.asyncProperty(fc.shuffledSubarray(events), async (asked) => {
      expect(await read(asked)).toEqual(asked)
    })
    await fc.assert(readsAll)
    await council.redis.xtrim(council.keys.log, 'MINID', events[12]?.position ?? '')
    await fc.assert(readsAll)

    const [hot, archived] = [events[20]!, events[3]!]
    const elsewhere = { position: '1-1' as Position, sequence: hot.sequence }
    const unknown = { position: '1-1' as Position, sequence: 99 }
    expect(await read([elsewhere, hot, unknown, { ...archived, position: hot.position }, archived])).toEqual([
      hot,
      archived,
    ])
    council.close()
  })
})
