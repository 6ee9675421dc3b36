import { expect, test } from 'vitest'
import { forgottenAtMs } from '../../../../src/commands/aggregates/account.ts'
import { aggregateOf, deadlineRules } from '../../../../src/commands/registry.ts'
import { OpenAccount } from '../../../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../../../src/commands/treasury/reserve-funds.ts'
import { ReleaseReservation } from '../../../../src/commands/treasury/release-reservation.ts'
import { TransferFunds } from '../../../../src/commands/treasury/transfer-funds.ts'
import type { StreamName, Uuid7 } from '../../../../src/events/identifiers.ts'
import type { FoldOf } from '../../../../src/events/log/folds.ts'
import { newId, type TestCouncil } from '../../../support/council.ts'
import { testCouncil } from '../../../support/lifetimes.ts'
import { id } from '../../../support/treasury.ts'

const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
const atMs = forgottenAtMs({ amountMicros: 0, expiresAtMs: Date.parse(expiresAt) })
const accountNamed = (name: string) => `account/${name}` as StreamName

/** A council whose accounts have money; the ones that are named hold a reservation. */
async function funded(...holders: string[]): Promise<{ council: TestCouncil; reservations: Uuid7[] }> {
  const council = await testCouncil()
  for (const name of ['external', ...holders]) await council.execute(OpenAccount, { account: id(name) })
  const reservations: Uuid7[] = []
  for (const name of holders) {
    const money = { transferId: newId(), from: id('external'), to: id(name), amountMicros: 1_000_000, reason: 'test' }
    await council.execute(TransferFunds, money)
    const reservationId = newId()
    reservations.push(reservationId)
    await council.execute(
      ReserveFunds,
      { account: id(name), reservationId, amountMicros: 1_000, expiresAt },
      reservationId,
    )
  }
  return { council, reservations }
}

const index = ({ log }: TestCouncil, foldOf: FoldOf = aggregateOf, rules = deadlineRules) =>
  log.indexDeadlines(foldOf, rules)
const indexed = ({ log }: TestCouncil) => log.deadlines({ limit: 100 })

test('every append keeps the index equal to the states', async () => {
  const { council, reservations } = await funded('reserve', 'agent:ada')
  expect(await indexed(council)).toEqual([
    { stream: 'account/agent:ada', atMs },
    { stream: 'account/reserve', atMs },
  ])
  await council.execute(ReleaseReservation, { account: id('reserve'), reservationId: reservations[0]! })
  expect(await indexed(council)).toEqual([{ stream: 'account/agent:ada', atMs }])
})

test('a log from before the index is indexed once, and streams that have left are dropped', async () => {
  const { council } = await funded('reserve', 'agent:ada')
  const before = await indexed(council)
  await council.redis.del(council.keys.deadlines)
  await council.redis.zadd(council.keys.deadlines, 5, 'account/agent:gone', 6, 'account/external', 7, 'chat/of-old')
  expect(await index(council)).toBeGreaterThan(2)
  expect(await indexed(council)).toEqual(before)
  await council.redis.del(council.keys.deadlines)
  expect(await index(council)).toBe(0)
  expect(await indexed(council)).toEqual([])
})

test('a state of another version is folded again from the log', async () => {
  const { council } = await funded('reserve')
  const before = await indexed(council)
  await council.redis.hset(council.keys.states, 'account/reserve', '3:0:{"of":"another version"}')
  await council.redis.del(council.keys.deadlines)
  await index(council)
  expect(await indexed(council)).toEqual(before)
})

test('a deadline that an append writes during the indexing is kept', async () => {
  const { council } = await funded('reserve')
  const { redis, keys } = council
  const stream = accountNamed('reserve')
  const appending: FoldOf = (asked) => {
    const fold = aggregateOf(asked)
    if (asked !== stream || !fold) return fold
    return {
      ...fold,
      nextDeadlineMs() {
        // Reaches Redis after the scan of the states, and before the write of the index.
        void redis
          .multi()
          .hset(keys.states, stream, '4:1:{}')
          .zadd(keys.deadlines, atMs + 9, stream)
          .exec()
        return atMs
      },
    }
  }
  await index(council, appending)
  expect(await indexed(council)).toEqual([{ stream, atMs: atMs + 9 }])
})

test('other rules make the index again', async () => {
  const { council } = await funded('reserve')
  await index(council)
  const stream = accountNamed('external')
  const later: FoldOf = (asked) => {
    const fold = aggregateOf(asked)
    return asked === stream && fold ? { ...fold, nextDeadlineMs: () => atMs + 1 } : fold
  }
  await index(council, later, `${deadlineRules} later`)
  expect(await indexed(council)).toEqual([
    { stream: 'account/reserve', atMs },
    { stream, atMs: atMs + 1 },
  ])
})

test('another log is not indexed', async () => {
  const { council } = await funded('reserve')
  await council.redis.hset(council.keys.meta, 'incarnation', newId())
  await expect(index(council)).rejects.toMatchObject({ code: 'log_replaced' })
  expect(await council.redis.hget(council.keys.meta, 'deadlines')).toBeNull()
})
