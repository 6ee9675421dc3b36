import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { streamFolds, type FoldEnd } from '../../../src/api/log/fold-stream.ts'
import type { Aggregate } from '../../../src/commands/decider.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { StreamName, type Position } from '../../../src/events/identifiers.ts'
import type { EventsAt } from '../../../src/events/log/read/events-at.ts'
import { createGeneration, serveGeneration } from '../../../src/projections/engine/generations.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { readModelReader } from '../../../src/projections/engine/read-model-reader.ts'
import { logIndex } from '../../../src/projections/log-index.ts'
import { openPostgres } from '../../support/databases.ts'
import { suiteDatabase } from '../../support/lifetimes.ts'

const events = 45_000
const stream = StreamName.parse('account/reserve')

/** Counts the events of its stream, and expects them in order. */
const counter: Aggregate<unknown> = {
  category: 'account',
  stateVersion: 1,
  initial: 0,
  evolve(state, event) {
    const { revision } = event as AnyRecordedEvent
    if (revision !== Number(state) + 1) throw new Error(`revision ${revision} after ${String(state)}`)
    return revision
  },
}

describe('a long stream', async () => {
  const db = await suiteDatabase(openPostgres)
  await migrate(db.postgres)
  await db.postgres.transaction(async (tx) => {
    await createGeneration(tx, logIndex, 1)
    await serveGeneration(tx, logIndex, 1)
    await sql`
      insert into log_index_1.log_index
      select 2 * n, (2 * n) || '-0', ${stream}, n, 'AccountCredited', 'admin', null, n, n, n, now() from generate_series(1, ${events}::int) as n
    `.execute(tx)
  })
  let read = 0
  const eventsAt: EventsAt = async (places) => {
    read += places.length
    return places.map(
      ({ position, sequence }) =>
        ({ position, sequence, stream, revision: sequence / 2, type: 'AccountCredited' }) as AnyRecordedEvent,
    )
  }
  const fold = streamFolds({ readModel: readModelReader(db.postgres), eventsAt })
  const foldTo = async (end: FoldEnd) => {
    read = 0
    return fold(counter, stream, end, null)
  }

  test('is folded by as many requests as it takes, each of which goes on where the one before ended', async () => {
    expect(await foldTo(null)).toEqual({ outcome: 'unfinished', revision: 20_000 })
    expect(read).toBe(20_000)
    expect(await foldTo(null)).toEqual({ outcome: 'unfinished', revision: 40_000 })
    expect(await foldTo(null)).toMatchObject({ outcome: 'folded', folded: { revision: events, state: events } })
    expect(read).toBe(5_000)
  })

  test('is then shown at any moment by reading few events', async () => {
    for (const revision of [1, 999, 1_000, 1_001, 31_415, events]) {
      const { folded } = (await foldTo({ revision })) as { folded: object }
      expect(folded).toMatchObject({ revision, state: revision, position: `${2 * revision}-0` })
      expect(read).toBeLessThan(1_000)
      expect(await foldTo({ position: `${2 * revision + 1}-0` as Position })).toMatchObject({ folded: { revision } })
    }
    expect(await foldTo({ position: '1-0' as Position })).toMatchObject({ outcome: 'folded', folded: null })
  })

  test('whose events do not follow each other is not folded', async () => {
    const skipping: EventsAt = async (places) =>
      (await eventsAt(places)).map((event) => ({ ...event, revision: event.revision + 1 }))
    const broken = streamFolds({ readModel: readModelReader(db.postgres), eventsAt: skipping })
    await expect(broken(counter, stream, null, null)).rejects.toThrow(
      'do not follow each other, at 2-0: revision 2 after 0',
    )
    const lacking: EventsAt = async (places) => (await eventsAt(places)).slice(1)
    const incomplete = streamFolds({ readModel: readModelReader(db.postgres), eventsAt: lacking })
    await expect(incomplete(counter, stream, null, null)).rejects.toThrow('it lacks events that its index names')
  })
})
