import { describe, expect, test } from 'vitest'
import { ExpireApproval } from '../../../src/commands/approval/expire-approval.ts'
import type { Clock } from '../../../src/platform/clock.ts'
import { newId, openTestCouncil } from '../../support/council.ts'
import { approvalState, as, outcomeOf, waitingFor } from '../../support/governed.ts'
import { suiteCouncil } from '../../support/lifetimes.ts'
import { freshCouncilId, redisUrl } from '../../support/shared-servers.ts'

const council = await suiteCouncil()
const [ada, ben, scout] = [as(council, 'ada'), as(council, 'ben'), as(council, 'agent:scout')]

const exactArguments = { account: 'agent:scout', amountMicros: 60_000_000, expiresAt: '2030-01-01T00:00:00.000Z' }
const propose = (by: typeof ada, fields: object = exactArguments) =>
  by('RequestApproval', { action: 'ReserveFunds', exactArguments: fields })

describe('an approval', () => {
  test('of an agent waits at the threshold; any person may grant it', async () => {
    const approvalId = waitingFor(await propose(scout))
    expect(outcomeOf(await ada('GrantApproval', { approvalId }))).toBe('appended')
    expect(await approvalState(council, approvalId)).toMatchObject({ status: 'granted', requestedBy: 'agent:scout' })
  })

  test('that a person asks for always waits for another person', async () => {
    const approvalId = waitingFor(await propose(ada, { ...exactArguments, amountMicros: 1 }))
    expect(outcomeOf(await ada('GrantApproval', { approvalId }))).toBe('approver_not_independent')
    expect(outcomeOf(await ben('GrantApproval', { approvalId }))).toBe('appended')
  })

  test('below the threshold is granted by the mode, and on record', async () => {
    const result = await propose(scout, { ...exactArguments, amountMicros: 1 })
    expect(outcomeOf(result)).toBe('appended')
    expect(result).toMatchObject({ events: [{ type: 'ApprovalRequested' }, { type: 'ApprovalGranted' }] })
  })

  test('costs at least what its command costs, whatever the agent says', async () => {
    const result = await scout('RequestApproval', { action: 'ReserveFunds', exactArguments, costMicros: 1 })
    expect(await approvalState(council, waitingFor(result))).toMatchObject({ costMicros: 60_000_000 })
  })

  test('is decided once', async () => {
    const approvalId = waitingFor(await propose(scout))
    expect(outcomeOf(await ada('DenyApproval', { approvalId, reason: 'too much' }))).toBe('appended')
    expect(outcomeOf(await ben('GrantApproval', { approvalId }))).toBe('approval_decided')
    expect(outcomeOf(await ben('DenyApproval', { approvalId, reason: 'no' }))).toBe('approval_decided')
    expect(outcomeOf(await ben('GrantApproval', { approvalId: newId() }))).toBe('approval_unknown')
  })

  test('may be withdrawn by the one who asked', async () => {
    const approvalId = waitingFor(await propose(ada))
    expect(outcomeOf(await ada('DenyApproval', { approvalId, reason: 'a mistake' }))).toBe('appended')
  })

  test('is granted only for the arguments that the approver saw', async () => {
    const approvalId = waitingFor(await propose(scout))
    expect(outcomeOf(await ada('GrantApproval', { approvalId, argumentsHash: '0'.repeat(64) }))).toBe(
      'arguments_differ',
    )
    const state = await approvalState(council, approvalId)
    const seen = state.status === 'waiting' ? state.argumentsHash : ''
    expect(outcomeOf(await ada('GrantApproval', { approvalId, argumentsHash: seen }))).toBe('appended')
  })

  test.each([
    ['an unknown action', { action: 'Abdicate', exactArguments: {} }, 'action_unknown'],
    ['an action that is not for agents', { action: 'SwitchMode', exactArguments: {} }, 'action_unknown'],
    ['arguments that its command does not accept', { action: 'ReserveFunds', exactArguments: {} }, 'action_malformed'],
    [
      'an id, which it gets when it runs',
      { action: 'ReserveFunds', exactArguments: { ...exactArguments, reservationId: newId() } },
      'action_malformed',
    ],
  ])('is refused for %s', async (_, fields, code) => {
    expect(outcomeOf(await scout('RequestApproval', fields))).toBe(code)
  })
})

describe('changed arguments', () => {
  const cheaper = { ...exactArguments, amountMicros: 1_000_000 }

  test('are a new proposal, which replaces the old one', async () => {
    const approvalId = waitingFor(await propose(scout))
    const replacement = waitingFor(await ada('EditApproval', { approvalId, exactArguments: cheaper }))
    expect(replacement).not.toBe(approvalId)
    expect(outcomeOf(await ben('GrantApproval', { approvalId }))).toBe('approval_decided')
    expect(await approvalState(council, replacement)).toMatchObject({
      status: 'waiting',
      requestedBy: 'agent:scout',
      editedBy: 'ada',
      costMicros: 1_000_000,
    })
  })

  test("of an agent's action may be approved by the person who changed them", async () => {
    const approvalId = waitingFor(await propose(scout))
    const replacement = waitingFor(await ada('EditApproval', { approvalId, exactArguments: cheaper }))
    expect(outcomeOf(await ada('GrantApproval', { approvalId: replacement }))).toBe('appended')
  })

  test("of a person's action need two persons: neither the one who asked nor the one who changed them may approve", async () => {
    const approvalId = waitingFor(await propose(ada))
    const replacement = waitingFor(await ben('EditApproval', { approvalId, exactArguments: cheaper }))
    for (const approver of [ada, ben])
      expect(outcomeOf(await approver('GrantApproval', { approvalId: replacement }))).toBe('approver_not_independent')
    expect(outcomeOf(await as(council, 'cleo')('GrantApproval', { approvalId: replacement }))).toBe('appended')
  })

  test('must be accepted by the command', async () => {
    const approvalId = waitingFor(await propose(scout))
    const result = await ada('EditApproval', { approvalId, exactArguments: { amountMicros: -1 } })
    expect(outcomeOf(result)).toBe('action_malformed')
    expect(await approvalState(council, approvalId)).toMatchObject({ status: 'waiting' })
  })
})

describe('time', () => {
  test('a time-out means no, even before the clock has recorded it, and is recorded once', async () => {
    let nowMs = Date.now()
    const clock: Clock = { nowMs: () => nowMs }
    const later = await openTestCouncil(redisUrl, freshCouncilId(), { clock })
    try {
      await as(later, 'ada')('SetApprovalPolicy', { timeoutSeconds: 60 })
      const approvalId = waitingFor(
        await as(later, 'agent:scout')('RequestApproval', { action: 'ReserveFunds', exactArguments }),
      )
      const expire = () => later.execute(ExpireApproval, { approvalId })
      expect(outcomeOf(await expire())).toBe('nothing_due')
      nowMs += 60_000
      expect(outcomeOf(await as(later, 'ada')('GrantApproval', { approvalId }))).toBe('approval_expired')
      expect(outcomeOf(await expire())).toBe('appended')
      expect(outcomeOf(await expire())).toBe('nothing_due')
    } finally {
      later.close()
    }
  })
})
