import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { testCouncil } from '../../support/lifetimes.ts'
import { processLine } from '../../support/process-line.ts'
import { redisUrl } from '../../support/shared-servers.ts'
import { id } from '../../support/treasury.ts'

const childProgram = fileURLToPath(new URL('../../support/scheduler-child.ts', import.meta.url))
const aheadMs = 48 * 3_600_000
const leaseMs = 500

function schedulerProcess({ councilId }: TestCouncil, lastAppend = 0): ChildProcess {
  const args = [redisUrl, councilId, aheadMs, leaseMs, lastAppend].map(String)
  const child = spawn(process.execPath, [childProgram, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await gone
  })
  return child
}

/** Accounts with reservations that a clock two days ahead finds long expired. Returns the ids of the reservations. */
async function reservations(council: TestCouncil, accounts: number, each: number): Promise<string[]> {
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  await council.execute(OpenAccount, { account: id('external') })
  const ids: string[] = []
  for (let n = 0; n < accounts; n++) {
    const to = id(`bounty:b${n}`)
    await council.execute(OpenAccount, { account: to })
    const money = { transferId: newId(), from: id('external'), to, amountMicros: 1_000_000, reason: 'test' }
    await council.execute(TransferFunds, money)
    const made = Array.from({ length: each }, () => {
      const reservationId = newId()
      ids.push(reservationId)
      return council.execute(ReserveFunds, { account: to, reservationId, amountMicros: 1, expiresAt }, reservationId)
    })
    expect(new Set((await Promise.all(made)).map(({ result }) => result))).toEqual(new Set(['appended']))
  }
  return ids
}

const expired = async (council: TestCouncil): Promise<string[]> =>
  (await council.events()).flatMap((event) => (event.type === 'ReservationExpired' ? [event.data.reservationId] : []))
const due = async ({ log }: TestCouncil) => (await log.deadlines({ limit: 1 })).length

test('a scheduler that is killed in the middle of an append leaves nothing undone and nothing done twice', async () => {
  const council = await testCouncil()
  const ids = await reservations(council, 4, 60)
  const killed = schedulerProcess(council, 2)
  await once(killed, 'exit')
  expect(killed.signalCode).toBe('SIGKILL')
  const before = await expired(council)
  expect(before.length).toBeGreaterThan(0)
  expect(before.length).toBeLessThan(ids.length)

  await processLine(schedulerProcess(council), /acting/)
  await expect.poll(() => due(council), { timeout: 10_000 }).toBe(0)
  expect((await expired(council)).toSorted()).toEqual(ids.toSorted())
})

test('a scheduler that stood still while another one took over does nothing twice when it continues', async () => {
  const council = await testCouncil()
  const stopped = schedulerProcess(council)
  await processLine(stopped, /acting/)
  stopped.kill('SIGSTOP')
  const ids = await reservations(council, 3, 40)
  const other = schedulerProcess(council)
  await processLine(other, /acting/)
  stopped.kill('SIGCONT')
  await expect.poll(() => due(council), { timeout: 10_000 }).toBe(0)
  expect((await expired(council)).toSorted()).toEqual(ids.toSorted())
})
