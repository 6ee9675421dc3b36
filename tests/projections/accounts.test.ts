import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { account } from '../../src/commands/aggregates/account.ts'
import { FreezeAccount } from '../../src/commands/treasury/freeze-account.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { ReleaseReservation } from '../../src/commands/treasury/release-reservation.ts'
import { ReserveFunds } from '../../src/commands/treasury/reserve-funds.ts'
import { SetAccountLimits } from '../../src/commands/treasury/set-account-limits.ts'
import { SettleReservation } from '../../src/commands/treasury/settle-reservation.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { UnfreezeAccount } from '../../src/commands/treasury/unfreeze-account.ts'
import { accountStream } from '../../src/events/account.ts'
import type { Position, Uuid7 } from '../../src/events/identifiers.ts'
import { accounts, selectAccounts } from '../../src/projections/accounts.ts'
import { readModelReader } from '../../src/projections/engine/read-model-reader.ts'
import { newId, openTestCouncil, type TestCouncil } from '../support/council.ts'
import { databaseKinds } from '../support/databases.ts'
import { suiteDatabase, testCouncil } from '../support/lifetimes.ts'
import { caughtUp, project, rebuildNow } from '../support/read-models.ts'
import { freshCouncilId, redisUrl } from '../support/shared-servers.ts'
import { id } from '../support/treasury.ts'

const payers = ['reserve', 'agent:ada'].map(id)
const accountNames = [...payers, id('external')]

const step = fc.record({
  ask: fc.oneof(
    fc.constantFrom('reserve', 'settle'),
    fc.constantFrom('fund', 'transfer', 'release', 'limit', 'freeze', 'unfreeze'),
  ),
  payer: fc.constantFrom(...payers),
  amountMicros: fc.integer({ min: 1, max: 9_000_000 }),
})
type Step = { ask: string; payer: (typeof payers)[number]; amountMicros: number }

async function happen(council: TestCouncil, { ask, payer, amountMicros }: Step, made: Uuid7[]): Promise<void> {
  const to = payers.find((other) => other !== payer)!
  const move = { transferId: newId(), amountMicros, reason: 'story' }
  const reservationId = made.at(-1) ?? newId()
  const limits = { dailyMicros: amountMicros * 4, perActionMicros: amountMicros }
  if (ask === 'fund') await council.execute(TransferFunds, { ...move, from: id('external'), to: payer })
  if (ask === 'transfer') await council.execute(TransferFunds, { ...move, from: payer, to })
  if (ask === 'reserve') {
    made.push(newId())
    await council.execute(ReserveFunds, {
      account: payer,
      reservationId: made.at(-1)!,
      amountMicros,
      expiresAt: new Date(Date.now() + 600_000).toISOString(),
    })
  }
  if (ask === 'settle')
    await council.execute(SettleReservation, { account: payer, reservationId, actualMicros: amountMicros })
  if (ask === 'release') await council.execute(ReleaseReservation, { account: payer, reservationId })
  if (ask === 'limit') await council.execute(SetAccountLimits, { account: payer, ...limits })
  if (ask === 'freeze') await council.execute(FreezeAccount, { account: payer, reason: 'story' })
  if (ask === 'unfreeze') await council.execute(UnfreezeAccount, { account: payer, reason: 'story' })
}

describe.each(databaseKinds)('the accounts on $kind', async ({ open }) => {
  const db = await suiteDatabase(open)

  const rows = async () =>
    new Map(
      (await db.rows('read_models.accounts')).map((row) => accounts.row.parse(row)).map((row) => [row.account_id, row]),
    )

  test('match the aggregates and sum to zero after any history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (history) => {
        await db.empty()
        const council = await openTestCouncil(redisUrl, freshCouncilId())
        const projector = project(council.log, db.postgres, [accounts])
        try {
          for (const name of accountNames) await council.execute(OpenAccount, { account: name })
          const made: Uuid7[] = []
          for (const next of history) await happen(council, next, made)
          await caughtUp(projector, council.log)
          const shown = await rows()
          expect([...shown.values()].reduce((sum, { balance_micros }) => sum + balance_micros, 0)).toBe(0)
          for (const [name, row] of shown) {
            const { state } = await council.gate.load(account, accountStream(id(name)))
            if (state.status === 'absent') throw new Error(`${name} is shown and was never opened`)
            expect(row).toMatchObject({
              status: state.status,
              balance_micros: state.balanceMicros,
              reserved_micros: Object.values(state.reservations).reduce(
                (sum, { amountMicros }) => sum + amountMicros,
                0,
              ),
              daily_limit_micros: state.limits?.dailyMicros ?? null,
              action_limit_micros: state.limits?.perActionMicros ?? null,
            })
          }
          const live = await db.dump('read_models.accounts')
          await rebuildNow(council.log, db.postgres, accounts)
          expect(await db.dump('read_models.accounts')).toEqual(live)
        } finally {
          await projector.stop()
          council.close()
        }
      }),
      { numRuns: 8 },
    )
  })

  test('are read together with their position in the log', async () => {
    await db.empty()
    const council = await testCouncil()
    const pauses: number[] = []
    const projecting = Promise.withResolvers<undefined>()
    const first = await council.execute(OpenAccount, { account: id('reserve') })
    if (first.result !== 'appended' || !first.position) throw new Error('the account was not opened')
    // The read model is not built yet when the read starts; the projector starts while the reader waits.
    const read = readModelReader(db.postgres, {
      waitMs: 1000,
      pollMs: 7,
      elapsedMs: () => 0,
      pause: async (ms) => {
        pauses.push(ms)
        if (pauses.length === 1) {
          await caughtUp(project(council.log, db.postgres, [accounts]), council.log)
          projecting.resolve(undefined)
        }
      },
    })
    const answer = await read(accounts, first.position, (tx) => selectAccounts(tx, '', 10))
    await projecting.promise
    expect(answer).toMatchObject({
      outcome: 'read',
      position: first.position,
      result: [{ account_id: 'reserve', last_position: first.position }],
    })
    expect(pauses).toEqual([7])
  })

  test('are not waited for when the log itself ends before the requested position', async () => {
    const head = '5-0' as Position
    const times = { waitMs: 1, pollMs: 1, elapsedMs: () => 0, pause: () => Promise.reject(new Error('must not wait')) }
    const read = readModelReader(db.postgres, times, () => Promise.resolve(head))
    const answer = await read(accounts, '999999999999999-0' as Position, () => Promise.resolve(null))
    expect(answer).toMatchObject({ outcome: 'behind', logEndsAt: head })
  })

  test('are not read before they reach the requested position, and the wait is bounded', async () => {
    let elapsed = 0
    const read = readModelReader(db.postgres, {
      waitMs: 100,
      pollMs: 50,
      elapsedMs: () => elapsed,
      pause: async (ms) => void (elapsed += ms),
    })
    const answer = await read(accounts, '999999999999999-0' as never, () =>
      Promise.reject(new Error('must not be read')),
    )
    expect(answer).toMatchObject({ outcome: 'behind' })
    expect(elapsed).toBe(100)
  })
})
