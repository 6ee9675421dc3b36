import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { account } from '../../src/commands/aggregates/account.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../src/commands/treasury/reserve-funds.ts'
import { SettleReservation } from '../../src/commands/treasury/settle-reservation.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { accountStream } from '../../src/events/account.ts'
import { entries, selectEntries, type EntryRow } from '../../src/projections/entries.ts'
import { migrate } from '../../src/projections/engine/migrate.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { databaseKinds } from '../support/databases.ts'
import { suiteDatabase } from '../support/lifetimes.ts'
import { applyInBatches } from '../support/read-models.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { id } from '../support/treasury.ts'

const names = ['external', 'reserve', 'agent:ada', 'spend', 'overrun'].map(id)
const step = fc.record({
  ask: fc.constantFrom('fund', 'pay', 'settle'),
  amountMicros: fc.integer({ min: 1, max: 1_000 }),
})

async function happen(council: TestCouncil, { ask, amountMicros }: { ask: string; amountMicros: number }) {
  const movement = { transferId: newId(), amountMicros, reason: 'story' }
  if (ask === 'fund') await council.execute(TransferFunds, { ...movement, from: id('external'), to: id('reserve') })
  if (ask === 'pay') await council.execute(TransferFunds, { ...movement, from: id('reserve'), to: id('agent:ada') })
  if (ask !== 'settle') return
  const reservationId = newId()
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  await council.execute(ReserveFunds, { account: id('agent:ada'), reservationId, amountMicros: 1, expiresAt })
  // Above the reservation, so that the reserve and overrun pay too.
  await council.execute(SettleReservation, { account: id('agent:ada'), reservationId, actualMicros: amountMicros })
}

describe.each(databaseKinds)('the statements on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)
  await migrate(db.postgres)

  test('balance, name both sides of each movement, and do not depend on the sizes of the batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
        async (steps, cuts) => {
          const council = await openTestCouncil(redisUrl, freshCouncilId())
          for (const name of names) await council.execute(OpenAccount, { account: name })
          for (const one of steps) await happen(council, one)
          await applyInBatches(db.postgres, entries, await council.events(), cuts)
          const rows: EntryRow[] = []
          for (const name of names) {
            const newestFirst = await db.postgres.transaction((tx) => selectEntries(tx, name, undefined, 1_000))
            const { state } = await council.gate.load(account, accountStream(name))
            expect(newestFirst[0]?.balance_micros ?? 0).toBe(state.status === 'absent' ? 0 : state.balanceMicros)
            let balanceMicros = 0
            for (const row of newestFirst.toReversed())
              expect(row.balance_micros).toBe((balanceMicros += row.amount_micros))
            rows.push(...newestFirst)
          }
          for (const of of Map.groupBy(rows, (row) => row.movement).values()) {
            expect(of.reduce((sum, row) => sum + row.amount_micros, 0)).toBe(0)
            for (const row of of)
              expect(row.counterparties.toSorted()).toEqual(
                of
                  .filter((other) => other.amount_micros > 0 !== row.amount_micros > 0)
                  .map((other) => other.account_id)
                  .toSorted(),
              )
          }
          council.close()
        },
      ),
      { numRuns: 8 },
    )
  }, 60_000)
})
