import { describe, expect, test } from 'vitest'
import { account } from '../../../src/commands/aggregates/account.ts'
import { accountStream } from '../../../src/events/account.ts'
import { AccountId } from '../../../src/events/identifiers.ts'
import type { TestCouncil } from '../../support/council.ts'
import { newId } from '../../support/council.ts'
import { as, outcomeOf, waitingFor } from '../../support/governed.ts'
import { testCouncil } from '../../support/lifetimes.ts'

const dollars = (amount: number): number => amount * 1_000_000
const transfer = (amountMicros: number, to = 'spend') => ({
  transferId: newId(),
  from: 'reserve',
  to,
  amountMicros,
  reason: 'a task',
})

/** A council whose reserve has $1,000. */
async function funded(): Promise<TestCouncil> {
  const council = await testCouncil()
  const ada = as(council, 'ada')
  for (const name of ['external', 'reserve', 'spend']) await ada('OpenAccount', { account: name })
  const funding = { ...transfer(dollars(1000), 'reserve'), from: 'external' }
  expect(outcomeOf(await ada('TransferFunds', funding))).toBe('appended')
  return council
}

const reserveOf = async ({ gate }: TestCouncil): Promise<number> => {
  const { state } = await gate.load(account, accountStream(AccountId.parse('reserve')))
  return state.status === 'absent' ? 0 : state.balanceMicros
}

describe('a new council is supervised', () => {
  test.each([
    ['below the threshold', transfer(dollars(50) - 1), 'appended'],
    ['at the threshold', transfer(dollars(50)), 'approval_required'],
    ['that cannot be undone', transfer(1, 'external'), 'approval_required'],
  ])("an agent's action %s: %s", async (_, fields, expected) => {
    const council = await funded()
    expect(outcomeOf(await as(council, 'agent:scout')('TransferFunds', fields))).toBe(expected)
  })

  test("a person's own command never waits", async () => {
    const council = await funded()
    expect(outcomeOf(await as(council, 'ada')('TransferFunds', transfer(dollars(900), 'external')))).toBe('appended')
  })

  test('an action that waits has moved nothing, and is on record with its exact arguments', async () => {
    const council = await funded()
    const fields = transfer(dollars(60))
    const approvalId = waitingFor(await as(council, 'agent:scout')('TransferFunds', fields))
    expect(await reserveOf(council)).toBe(dollars(1000))
    const [requested] = (await council.events()).filter(({ type }) => type === 'ApprovalRequested')
    expect(requested?.data).toMatchObject({
      approvalId,
      action: 'TransferFunds',
      exactArguments: `{"amountMicros":60000000,"from":"reserve","reason":"a task","to":"spend","transferId":"${fields.transferId}"}`,
      costMicros: dollars(60),
      risk: 'medium',
      mode: 'supervised',
      why: 'over_threshold',
      requestedBy: 'agent:scout',
    })
  })

  test('asking again under the same id waits for the same approval', async () => {
    const council = await funded()
    const [fields, commandId] = [transfer(dollars(60)), newId()]
    const scout = as(council, 'agent:scout')
    const first = await scout('TransferFunds', fields, commandId)
    expect(await scout('TransferFunds', fields, commandId)).toEqual(first)
    expect(outcomeOf(await scout('TransferFunds', transfer(dollars(61)), commandId))).toBe('command_id_reused')
  })

  test('no person is asked to approve what would be refused anyway', async () => {
    const council = await funded()
    expect(outcomeOf(await as(council, 'agent:scout')('TransferFunds', transfer(dollars(1001))))).toBe(
      'insufficient_funds',
    )
  })

  test.each(['GrantApproval', 'DenyApproval', 'SwitchMode', 'SetApprovalPolicy', 'SetBudgetPolicy', 'FreezeTreasury'])(
    'no agent may execute %s',
    async (name) => {
      const council = await testCouncil()
      const fields = {
        GrantApproval: { approvalId: newId() },
        DenyApproval: { approvalId: newId(), reason: 'no' },
        SwitchMode: { mode: 'autonomous', reason: 'faster' },
        SetApprovalPolicy: { thresholdMicros: 1 },
        SetBudgetPolicy: { scope: 'council', dailyMicros: 1 },
        FreezeTreasury: { reason: 'panic' },
      }[name]
      expect(outcomeOf(await as(council, 'agent:scout')(name, fields))).toBe('not_for_agents')
    },
  )
})

describe('switching the mode', () => {
  const cheap = () => transfer(1)

  test('in manual mode every action of an agent waits', async () => {
    const council = await funded()
    await as(council, 'ada')('SwitchMode', { mode: 'manual', reason: 'an incident' })
    expect(outcomeOf(await as(council, 'agent:scout')('TransferFunds', cheap()))).toBe('approval_required')
  })

  test('in autonomous mode no action waits', async () => {
    const council = await funded()
    await as(council, 'ada')('SwitchMode', { mode: 'autonomous', reason: 'a night run' })
    expect(outcomeOf(await as(council, 'agent:scout')('TransferFunds', transfer(dollars(900), 'external')))).toBe(
      'appended',
    )
  })

  test('turns off no other check: the limits, the balance and the emergency stop hold in every mode', async () => {
    const council = await funded()
    const ada = as(council, 'ada')
    await ada('SwitchMode', { mode: 'autonomous', reason: 'a night run' })
    await ada('SetAccountLimits', { account: 'reserve', dailyMicros: dollars(100), perActionMicros: dollars(10) })
    const scout = as(council, 'agent:scout')
    expect(outcomeOf(await scout('TransferFunds', transfer(dollars(11))))).toBe('action_limit_exceeded')
    await ada('FreezeTreasury', { reason: 'an incident' })
    expect(outcomeOf(await scout('TransferFunds', cheap()))).toBe('treasury_frozen')
  })

  test('holds for what another process decides at the same moment: it conflicts and decides again', async () => {
    const council = await funded()
    const other = await testCouncil(council.councilId)
    const scout = as(other, 'agent:scout')
    // The other process has the mode in its cache from here on.
    expect(outcomeOf(await scout('TransferFunds', cheap()))).toBe('appended')
    await as(council, 'ada')('SwitchMode', { mode: 'manual', reason: 'an incident' })
    expect(outcomeOf(await scout('TransferFunds', cheap()))).toBe('approval_required')
  })

  test('says who switched it and why, and refuses a switch to the mode that holds', async () => {
    const council = await testCouncil()
    const ada = as(council, 'ada')
    await ada('SwitchMode', { mode: 'manual', reason: 'an incident' })
    expect(outcomeOf(await ada('SwitchMode', { mode: 'manual', reason: 'again' }))).toBe('mode_unchanged')
    expect((await council.events()).map(({ data }) => data)[0]).toEqual({
      from: 'supervised',
      to: 'manual',
      reason: 'an incident',
      by: 'ada',
    })
  })

  test('a rule of the policy that is not given stays as it is', async () => {
    const council = await testCouncil()
    const ada = as(council, 'ada')
    await ada('SetApprovalPolicy', { thresholdMicros: dollars(5), timeoutSeconds: 60 })
    await ada('SetApprovalPolicy', { approveAnswers: true })
    expect(outcomeOf(await ada('SetApprovalPolicy', {}))).toBe('malformed_command')
    expect((await council.events()).at(-1)?.data).toEqual({
      thresholdMicros: dollars(5),
      approveAnswers: true,
      timeoutSeconds: 60,
      by: 'ada',
    })
  })

  test('the threshold is a policy', async () => {
    const council = await funded()
    await as(council, 'ada')('SetApprovalPolicy', { thresholdMicros: dollars(5) })
    expect(outcomeOf(await as(council, 'agent:scout')('TransferFunds', transfer(dollars(5))))).toBe('approval_required')
  })
})
