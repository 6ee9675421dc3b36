import { describe, expect, test } from 'vitest'
import { account } from '../../../src/commands/aggregates/account.ts'
import { approved } from '../../../src/commands/approval/approved.ts'
import { publicCommands } from '../../../src/commands/registry.ts'
import { accountStream } from '../../../src/events/account.ts'
import { approvalStream } from '../../../src/events/approval.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { AccountId, beginning, Principal, type Uuid7 } from '../../../src/events/identifiers.ts'
import { startTail } from '../../../src/events/log/read/tail.ts'
import { newId, type TestCouncil } from '../../support/council.ts'
import { approvalState, as, outcomeOf, waitingFor } from '../../support/governed.ts'
import { testCouncil } from '../../support/lifetimes.ts'
import { runWorker } from '../../support/running-worker.ts'

const dollars = (amount: number): number => amount * 1_000_000
const transfer = (amountMicros = dollars(60)) => ({
  transferId: 'task-1',
  from: 'reserve',
  to: 'agent:scout',
  amountMicros,
  reason: 'a task',
})

async function funded(): Promise<TestCouncil> {
  const council = await testCouncil()
  const ada = as(council, 'ada')
  for (const name of ['external', 'reserve', 'agent:scout']) await ada('OpenAccount', { account: name })
  await ada('TransferFunds', { ...transfer(dollars(100)), from: 'external', to: 'reserve' })
  return council
}

/** Starts a worker, and resolves with the event that uses the approval up. */
async function used(council: TestCouncil, approvalId: Uuid7): Promise<AnyRecordedEvent> {
  const tail = startTail(council.log, beginning)
  const { promise, resolve } = Promise.withResolvers<AnyRecordedEvent>()
  tail.listen(approvalStream(approvalId), (event) => {
    if (event.type === 'ApprovalUsed') resolve(event)
  })
  await runWorker(council, tail)
  return promise.finally(tail.stop)
}

const balanceOf = async ({ gate }: TestCouncil, name: string): Promise<number> => {
  const { state } = await gate.load(account, accountStream(AccountId.parse(name)))
  return state.status === 'absent' ? 0 : state.balanceMicros
}

async function granted(council: TestCouncil): Promise<Uuid7> {
  const approvalId = waitingFor(await as(council, 'agent:scout')('TransferFunds', transfer()))
  expect(outcomeOf(await as(council, 'ada')('GrantApproval', { approvalId }))).toBe('appended')
  return approvalId
}

describe('a granted action', () => {
  test('runs in the name of the subject that asked for it, and uses the approval up in the same append', async () => {
    const council = await funded()
    const approvalId = await granted(council)
    const use = await used(council, approvalId)
    expect(use.data).toEqual({ outcome: 'executed' })
    expect(await balanceOf(council, 'agent:scout')).toBe(dollars(60))
    const together = (await council.events()).filter(({ metadata }) => metadata.commandId === use.metadata.commandId)
    expect(together.map(({ type }) => type)).toEqual(['AccountDebited', 'AccountCredited', 'ApprovalUsed'])
    expect(together[0]?.metadata).toMatchObject({ actor: 'agent:scout', causationId: approvalId })
    expect(await approvalState(council, approvalId)).toEqual({ status: 'finished' })
  })

  test('runs from another process, long after the one that asked has ended', async () => {
    const council = await funded()
    const approvalId = await granted(council)
    const other = await testCouncil(council.councilId)
    expect((await used(other, approvalId)).data).toEqual({ outcome: 'executed' })
  })

  test('that a rule refuses by now is refused, and the approval is used up all the same', async () => {
    const council = await funded()
    const approvalId = await granted(council)
    await as(council, 'ada')('FreezeTreasury', { reason: 'an incident' })
    expect((await used(council, approvalId)).data).toEqual({ outcome: 'refused', code: 'treasury_frozen' })
    expect(await balanceOf(council, 'agent:scout')).toBe(0)
  })

  test('runs once, and only with the arguments that were approved', async () => {
    const council = await funded()
    const approvalId = await granted(council)
    const command = publicCommands.get('TransferFunds')
    if (!command) throw new Error('there is no TransferFunds')
    const run = (amountMicros: number) =>
      council.gate.execute(approved(command.definition, approvalId, '1-1'), transfer(amountMicros), {
        commandId: newId(),
        principal: Principal.parse('agent:scout'),
      })
    expect(outcomeOf(await run(dollars(61)))).toBe('approval_not_granted')
    const twice = await Promise.all([run(dollars(60)), run(dollars(60))])
    expect(twice.map(outcomeOf).toSorted()).toEqual(['appended', 'approval_not_granted'])
    expect(await balanceOf(council, 'agent:scout')).toBe(dollars(60))
  })

  test('gets its own id when it runs', async () => {
    const council = await funded()
    const reserve = {
      account: 'reserve',
      amountMicros: dollars(60),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    }
    const approvalId = waitingFor(await as(council, 'agent:scout')('ReserveFunds', reserve))
    await as(council, 'ada')('GrantApproval', { approvalId })
    const use = await used(council, approvalId)
    const reserved = (await council.events()).find(({ type }) => type === 'FundsReserved')
    expect(reserved?.data).toMatchObject({ reservationId: use.metadata.commandId })
  })
})
