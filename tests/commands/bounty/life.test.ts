import { describe, expect, test } from 'vitest'
import { CancelBounty } from '../../../src/commands/bounty/cancel-bounty.ts'
import { ClaimBounty } from '../../../src/commands/bounty/claim-bounty.ts'
import { FundBounty } from '../../../src/commands/bounty/fund-bounty.ts'
import { OpenBounty } from '../../../src/commands/bounty/open-bounty.ts'
import { ProposeBounty } from '../../../src/commands/bounty/propose-bounty.ts'
import { SubmitBountyWork } from '../../../src/commands/bounty/submit-bounty-work.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import { BountyWorker, type BountyEvent } from '../../../src/events/bounty.ts'
import { AccountId, Principal } from '../../../src/events/identifiers.ts'
import type { TreasuryEvent } from '../../../src/events/treasury.ts'
import { given } from '../../support/decider.ts'
import {
  accountOfAda,
  bountyId,
  claimed,
  escrow,
  escrowWith,
  handedIn,
  held,
  judged,
  later,
  now,
  offer,
  open,
  openedBounty,
  proposed,
  reserveWith,
  stream,
  text,
  worker,
} from './bounty-events.ts'

const fields = { bountyId, ...text, ...offer }
const reserveId = AccountId.parse('reserve')
const stopped: TreasuryEvent[] = [{ type: 'TreasuryFrozen', data: { reason: 'intrusion' } }]
const frozen: AccountEvent = { type: 'AccountFrozen', data: { reason: 'audit' } }

describe('opening a bounty', () => {
  const movement = { transferId: `open:${bountyId}`, amountMicros: 1_000, reason: 'funds a bounty', ref: bountyId }
  const funding = {
    reserve: [{ type: 'AccountDebited', data: { ...movement, day: '2026-11-23' } }],
    escrow: [
      { type: 'AccountOpened', data: { accountId: escrow } },
      { type: 'AccountCredited', data: { ...movement, day: '2026-11-23' } },
    ],
  } satisfies { reserve: AccountEvent[]; escrow: AccountEvent[] }

  test('moves reward and bonus from the reserve to its escrow in one decision', () => {
    given(OpenBounty.aggregates, { reserve: reserveWith(1_000) })
      .when(OpenBounty, fields)
      .then({ accepted: { bounty: [proposed, openedBounty], ...funding } })
  })

  test('moves nothing while it is only proposed; funding it does', () => {
    given(ProposeBounty.aggregates, {})
      .when(ProposeBounty, fields)
      .then({ accepted: { bounty: [proposed] } })
    given(FundBounty.aggregates, { bounty: [proposed], reserve: reserveWith(1_000) })
      .when(FundBounty, { bountyId })
      .then({ accepted: { bounty: [openedBounty], ...funding } })
  })

  const limited: AccountEvent = { type: 'AccountLimitsSet', data: { dailyMicros: 10_000, perActionMicros: 999 } }
  test.each<[string, { reserve?: AccountEvent[]; escrow?: AccountEvent[]; treasury?: TreasuryEvent[] }, string]>([
    ['the reserve does not cover reward and bonus', { reserve: reserveWith(999) }, 'insufficient_funds'],
    ['the reserve is frozen', { reserve: [...reserveWith(1_000), frozen] }, 'account_frozen'],
    ['a limit of the reserve is below it', { reserve: [...reserveWith(1_000), limited] }, 'action_limit_exceeded'],
    ['the treasury is frozen', { reserve: reserveWith(1_000), treasury: stopped }, 'treasury_frozen'],
    ['the reserve was never opened', {}, 'account_unknown'],
    ['the account of its escrow exists', { reserve: reserveWith(1_000), escrow: escrowWith(5) }, 'account_exists'],
  ])('is refused while %s', (_, world, code) => {
    for (const decide of [
      () => given(OpenBounty.aggregates, world).when(OpenBounty, fields),
      () => given(FundBounty.aggregates, { bounty: [proposed], ...world }).when(FundBounty, { bountyId }),
    ])
      expect(decide().decision).toMatchObject({ outcome: 'refused', code })
  })

  test('is refused for a deadline that has passed or is more than a year away', () => {
    for (const deadline of [now, later(367 * 86_400)])
      given(OpenBounty.aggregates, { reserve: reserveWith(1_000) })
        .when(OpenBounty, { ...fields, deadline })
        .thenMatches({ refused: 'deadline_out_of_range', details: { deadline } })
    given(FundBounty.aggregates, { bounty: [proposed], reserve: reserveWith(1_000) }, offer.deadline)
      .when(FundBounty, { bountyId })
      .thenMatches({ refused: 'deadline_passed' })
  })

  test('is refused for an id that is taken', () => {
    given(OpenBounty.aggregates, { bounty: open }).when(OpenBounty, fields).then({ refused: 'bounty_exists' })
    given(ProposeBounty.aggregates, { bounty: [proposed] })
      .when(ProposeBounty, fields)
      .then({ refused: 'bounty_exists' })
    given(FundBounty.aggregates, { bounty: open })
      .when(FundBounty, { bountyId })
      .then({ refused: 'bounty_not_in_state', details: { status: 'open' } })
  })

  test.each([
    { rewardMicros: 0 },
    { rewardMicros: 0.5 },
    { bonusMicros: -1 },
    { title: ' ' },
    { task: 'x'.repeat(16_001) },
    { criteria: '\ud800' },
    { claimSeconds: 59 },
    { deadline: 'tomorrow' },
  ])('rejects %o', (change) => {
    expect(OpenBounty.schema.safeParse({ ...fields, ...change }).success).toBe(false)
  })
})

describe('a claim', () => {
  const bob = BountyWorker.parse('user:bob')
  const asBob = Principal.parse('user:bob')
  const claiming = (history: BountyEvent[], by = worker, at = now, principal?: Principal) =>
    given(ClaimBounty.aggregates, { bounty: history, payee: accountOfAda }, at, principal).when(ClaimBounty, {
      bountyId,
      worker: by,
    })

  test('gives the bounty to one worker for a limited time', () => {
    claiming(open).then({ accepted: { bounty: [claimed] } })
    claiming(held, bob, now, asBob).then({ refused: 'bounty_not_in_state', details: { status: 'claimed' } })
  })

  test('makes way once it has timed out, even before the clock has noticed', () => {
    claiming(held, bob, later(3_600), asBob).then({
      accepted: {
        bounty: [
          { type: 'ClaimExpired', data: { worker } },
          { type: 'BountyClaimed', data: { worker: bob, expiresAt: later(7_200) } },
        ],
      },
    })
  })

  test.each([
    ['user:ada', 'user:bob', false],
    ['user:ada', 'user:admin', false],
    ['user:ada', 'user:ada', true],
    ['anna@example.org', 'user:anna@example.org', true],
    ['user:ada', 'agent:ada', true],
    ['admin', 'user:bob', true],
  ])('by %s for %s: %s', (subject, worker, isAllowed) => {
    const claim = claiming(open, BountyWorker.parse(worker), now, Principal.parse(subject))
    claim.thenMatches(isAllowed ? { accepted: {} } : { refused: 'not_the_worker', details: { worker } })
  })

  test('of an agent is only for itself; a person may claim for agents', () => {
    claiming(open, worker, now, Principal.parse('agent:bob')).then({ refused: 'not_the_worker', details: { worker } })
    claiming(open, worker, now, Principal.parse('agent:ada')).thenMatches({ accepted: { bounty: [claimed] } })
    claiming(open, bob, now, Principal.parse('agent:bob')).thenMatches({ refused: 'not_the_worker' })
  })

  test('of an agent without an account is refused: it could not be paid', () => {
    given(ClaimBounty.aggregates, { bounty: open })
      .when(ClaimBounty, { bountyId, worker })
      .then({ refused: 'account_unknown', details: { account: 'agent:ada' } })
  })

  test('after the deadline is refused', () => {
    claiming(open, worker, offer.deadline).thenMatches({ refused: 'deadline_passed' })
  })

  test.each(['ada', 'agent:', 'user:', 'user:a/b', 'bounty:x', 'user:a\nb'])('rejects the worker %j', (name) => {
    expect(ClaimBounty.schema.safeParse({ bountyId, worker: name }).success).toBe(false)
  })
})

describe('work', () => {
  const submitting = (history: BountyEvent[], at = now, principal?: Principal) =>
    given(SubmitBountyWork.aggregates, { bounty: history }, at, principal).when(SubmitBountyWork, {
      bountyId,
      work: 'Mercury, …',
    })

  test('of the claimer is submitted together with the job that judges it', () => {
    submitting(held).then({
      accepted: { bounty: [{ type: 'BountyWorkSubmitted', data: { worker, work: 'Mercury, …' } }] },
      jobs: [{ kind: 'judge', on: stream }],
    })
  })

  test('is refused from another agent, after the claim, after the deadline, and twice', () => {
    submitting(held, now, Principal.parse('agent:bob')).then({ refused: 'not_the_worker', details: { worker } })
    submitting(held, later(3_600)).then({ refused: 'claim_expired', details: { expiresAt: later(3_600) } })
    const longClaim: BountyEvent = { type: 'BountyClaimed', data: { worker, expiresAt: later(9_000) } }
    submitting([...open, longClaim], offer.deadline).thenMatches({ refused: 'deadline_passed' })
    submitting(open).then({ refused: 'bounty_not_in_state', details: { status: 'open' } })
    submitting(handedIn).then({ refused: 'bounty_not_in_state', details: { status: 'submitted' } })
    submitting([]).then({ refused: 'bounty_unknown' })
  })
})

describe('cancelling', () => {
  const cancelling = (history: BountyEvent[], escrowMicros: number, treasury: TreasuryEvent[] = []) =>
    given(CancelBounty.aggregates, {
      bounty: history,
      reserve: reserveWith(0),
      escrow: escrowWith(escrowMicros),
      treasury,
    }).when(CancelBounty, { bountyId, reason: 'no longer needed' })

  test.each([
    ['open', open],
    ['claimed', held],
  ])('a bounty that is %s returns everything that its escrow holds, whatever was promised', (_, history) => {
    const movement = { transferId: `refund:${bountyId}`, amountMicros: 1_005, ref: bountyId }
    cancelling(history, 1_005).thenMatches({
      accepted: {
        bounty: [{ type: 'BountyCancelled', data: { reason: 'no longer needed', refundedMicros: 1_005 } }],
        escrow: [{ type: 'AccountDebited', data: movement }],
        reserve: [{ type: 'AccountCredited', data: movement }],
      },
    })
  })

  test('a proposed bounty moves nothing', () => {
    given(CancelBounty.aggregates, { bounty: [proposed], treasury: stopped })
      .when(CancelBounty, { bountyId, reason: 'no' })
      .then({
        accepted: {
          bounty: [{ type: 'BountyCancelled', data: { reason: 'no', refundedMicros: 0 } }],
          reserve: [],
          escrow: [],
        },
      })
  })

  test('is refused once work is submitted, and while the money may not move', () => {
    cancelling(handedIn, 1_000).then({ refused: 'bounty_not_in_state', details: { status: 'submitted' } })
    cancelling(open, 1_000, stopped).then({ refused: 'treasury_frozen' })
    given(CancelBounty.aggregates, { bounty: open, escrow: [...escrowWith(1_000), frozen] })
      .when(CancelBounty, { bountyId, reason: 'no' })
      .then({ refused: 'account_frozen', details: { account: escrow } })
  })
})

describe('the escrow of an unfinished bounty', () => {
  const transfer = { transferId: 't', amountMicros: 5, reason: 'x' }
  const moving = (history: BountyEvent[], from: AccountId, to: AccountId) =>
    given(TransferFunds.aggregates, { bounty: history, from: escrowWith(1_000), to: escrowWith(1_000) }).when(
      TransferFunds,
      { ...transfer, from, to },
    )

  test('pays no one but as the bounty says, and reserves nothing', () => {
    for (const history of [open, held, handedIn, [...handedIn, judged('reward')]])
      moving(history, escrow, reserveId).then({ refused: 'escrow_locked', details: { account: escrow } })
    given(ReserveFunds.aggregates, { bounty: open, account: escrowWith(1_000) })
      .when(ReserveFunds, { account: escrow, reservationId: bountyId, amountMicros: 1, expiresAt: later(60) })
      .then({ refused: 'escrow_locked', details: { account: escrow } })
  })

  test('accepts more money, and is an account like any other once the bounty has ended', () => {
    expect(TransferFunds.reads({ ...transfer, from: reserveId, to: escrow })).toMatchObject({ bounty: null })
    moving([], reserveId, escrow).thenMatches({ accepted: { to: [{ type: 'AccountCredited' }] } })
    const ended: BountyEvent = { type: 'BountyCancelled', data: { reason: 'x', refundedMicros: 0 } }
    moving([...open, ended], escrow, reserveId).thenMatches({ accepted: { from: [{ type: 'AccountDebited' }] } })
  })
})
