import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { compareReadModels } from '../../../src/projections/engine/compare.ts'
import { migrate } from '../../../src/projections/engine/migrate.ts'
import { members } from '../../../src/projections/members.ts'
import { databaseKinds } from '../../support/databases.ts'
import { answeredByCouncil } from '../../support/deliberation.ts'
import { suiteCouncil, suiteDatabase } from '../../support/lifetimes.ts'
import { rebuildNow } from '../../support/read-models.ts'

describe.each(databaseKinds)('the comparison of a read model on $kind with the log', async ({ open }) => {
  const db = await suiteDatabase(open)
  const council = await suiteCouncil()
  let decidedAt: string | undefined
  beforeAll(async () => {
    await migrate(db.postgres)
    await answeredByCouncil(council, { analyst: ['B', 'C'], sceptic: ['C', 'A'], pragmatist: ['B', 'A'] })
    decidedAt = (await council.events()).find(({ type }) => type === 'ElectionDecided')?.position
    await rebuildNow(council.log, db.postgres, members)
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
