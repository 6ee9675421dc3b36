import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareReadModels } from '../../../src/projections/engine/compare.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { members } from '../../../src/projections/members.ts'
import { openTestCouncil, type TestCouncil } from '../../support/council.ts'
import { databaseKinds, type TestDatabase } from '../../support/databases.ts'
import { answeredByCouncil } from '../../support/deliberation.ts'
import { rebuildNow } from '../../support/read-models.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

describe.each(databaseKinds)('the comparison of a read model on $kind with the log', ({ open }) => {
  let db: TestDatabase
  let council: TestCouncil
  let decidedAt: string | undefined
  beforeAll(async () => {
    db = await open()
    await db.empty()
    await migrate(db.postgres)
    council = await openTestCouncil(redisUrl, freshCouncilId())
    await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] })
    decidedAt = (await council.events()).find(({ type }) => type === 'ElectionDecided')?.position
    await rebuildNow(council.log, db.postgres, members)
  })
  afterAll(async () => {
    council.close()
    await db.close()
  })

  const differences = async () =>
    (await compareReadModels(db.postgres, [members], () => council.log.read())).map((compared) =>
      compared.state === 'compared' ? compared.differences : compared.state,
    )
  const change = (statement: string) => db.postgres.transaction((tx) => sql.raw(statement).execute(tx))

  test('finds none in a read model that was just built', async () => {
    expect(await differences()).toEqual([[]])
  })

  test('tells apart several rows that one event has changed', async () => {
    await change(`update read_models.members set wins = wins + 5 where member in ('analyst', 'sceptic')`)
    const found = await differences()
    expect(found[0]).toHaveLength(2)
    expect(found[0]).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          position: decidedAt,
          message: 'members: the row of member analyst: wins is 5, the log says 0',
        }),
        expect.objectContaining({
          position: decidedAt,
          message: 'members: the row of member sceptic: wins is 6, the log says 1',
        }),
      ]),
    )
    await change(`update read_models.members set wins = wins - 5 where member in ('analyst', 'sceptic')`)
    await change(`delete from read_models.members where member in ('analyst', 'sceptic')`)
    expect((await differences())[0]).toMatchObject([
      { message: expect.stringContaining('is missing') as unknown },
      { message: expect.stringContaining('is missing') as unknown },
    ])
  })
})
