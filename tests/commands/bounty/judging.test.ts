import { describe, expect, test } from 'vitest'
import { maxFailedRounds } from '../../../src/commands/aggregates/bounty.ts'
import { AdvanceBounty } from '../../../src/commands/bounty/advance-bounty.ts'
import { JudgeBounty } from '../../../src/commands/bounty/judge-bounty.ts'
import { StartJudging } from '../../../src/commands/bounty/start-judging.ts'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { maxAttempts } from '../../../src/commands/paid-calls.ts'
import type { AccountEvent } from '../../../src/events/account.ts'
import { budgetStream } from '../../../src/events/budget.ts'
import { BountyWorker, type BountyEvent, type JudgingFault } from '../../../src/events/bounty.ts'
import type { ElectionEvent } from '../../../src/events/election.ts'
import { councilScope } from '../../../src/events/policy.ts'
import type { TreasuryEvent } from '../../../src/events/treasury.ts'
import { given } from '../../support/decider.ts'
import {
  accountOfAda,
  bountyId,
  electionId,
  electionOpened,
  escrowWith,
  failedRound,
  handedIn,
  held,
  judged,
  judging,
  later,
  now,
  offer,
  open,
  proposed,
  reserveWith,
  stream,
  voted,
  worker,
} from './bounty-events.ts'

const started = [...handedIn, judging(1)]
const stopped: TreasuryEvent[] = [{ type: 'TreasuryFrozen', data: { reason: 'intrusion' } }]
const frozen: AccountEvent = { type: 'AccountFrozen', data: { reason: 'audit' } }
const call: BountyEvent = {
  type: 'ModelCallStarted',
  data: {
    callId: 'c1',
    attempt: 1,
    phase: 'judge',
    member: 'analyst',
    model: 'scripted',
    budgets: [budgetStream('council', '2026-11-23')],
    reservedMicros: 10,
  },
}

type World = {
  bounty?: BountyEvent[]
  election?: ElectionEvent[]
  escrow?: AccountEvent[]
  payee?: AccountEvent[]
  treasury?: TreasuryEvent[]
}
const votes = {
  reject: [voted('analyst', 'ABC'), voted('sceptic', 'ABC')],
  reward: [voted('analyst', 'BCA'), voted('sceptic', 'BAC')],
  reward_and_bonus: [voted('analyst', 'CBA'), voted('sceptic', 'CBA')],
} as const
const judge = (verdict: keyof typeof votes | null, world: World = {}, change: object = {}) =>
  given(JudgeBounty.aggregates, {
    bounty: started,
    election: [electionOpened, ...(verdict ? votes[verdict] : [])],
    escrow: escrowWith(1_000),
    reserve: reserveWith(0),
    payee: accountOfAda,
    ...world,
  }).when(JudgeBounty, { bountyId, attempt: 1, worker, electionId, job: '1-0', ...change })

describe('judging', () => {
  test.each([
    ['reward', 700, 300],
    ['reward_and_bonus', 1_000, 0],
  ] as const)('pays the %s from the escrow and returns the rest, in one decision', (verdict, paid, back) => {
    const award = { transferId: `award:${bountyId}`, amountMicros: paid, ref: bountyId }
    const rest = { transferId: `refund:${bountyId}`, amountMicros: back, ref: bountyId }
    judge(verdict).thenMatches({
      accepted: {
        election: [{ type: 'ElectionDecided' }],
        bounty: [
          { type: 'BountyJudged', data: { electionId, verdict } },
          { type: 'BountyAwarded', data: { worker, account: 'agent:ada', paidMicros: paid, refundedMicros: back } },
        ],
        escrow: [award, ...(back > 0 ? [rest] : [])].map((data) => ({ type: 'AccountDebited', data })),
        payee: [{ type: 'AccountCredited', data: award }],
        reserve: back > 0 ? [{ type: 'AccountCredited', data: rest }] : [],
      },
      finishesJob: '1-0',
    })
  })

  test('returns everything when the council rejects the work', () => {
    judge('reject').thenMatches({
      accepted: {
        bounty: [{ data: { verdict: 'reject' } }, { type: 'BountyRejected', data: { worker, refundedMicros: 1_000 } }],
        escrow: [{ type: 'AccountDebited', data: { amountMicros: 1_000 } }],
        reserve: [{ type: 'AccountCredited', data: { amountMicros: 1_000 } }],
        payee: [],
      },
    })
  })

  test('returns what was added to the escrow, too', () => {
    judge('reward', { escrow: escrowWith(1_234) }).thenMatches({
      accepted: { bounty: [{}, { data: { paidMicros: 700, refundedMicros: 534 } }] },
    })
  })

  test('pays a person outside, with the person in the reason', () => {
    const person = BountyWorker.parse('user:bob')
    const byBob: BountyEvent[] = [
      ...open,
      { type: 'BountyClaimed', data: { worker: person, expiresAt: later(3_600) } },
      { type: 'BountyWorkSubmitted', data: { worker: person, work: 'Done.' } },
      judging(1),
    ]
    judge('reward', { bounty: byBob, payee: [] }, { worker: person }).thenMatches({
      accepted: {
        bounty: [{}, { data: { account: 'external' } }],
        payee: [
          { type: 'AccountOpened', data: { accountId: 'external' } },
          { type: 'AccountCredited', data: { reason: 'awards a bounty to user:bob', ref: bountyId } },
        ],
      },
    })
  })

  test('pays a frozen account, which may still receive', () => {
    judge('reward', { payee: [...accountOfAda, frozen] }).thenMatches({
      accepted: { payee: [{ type: 'AccountCredited' }] },
    })
  })

  test.each<[string, World]>([
    ['the treasury is frozen', { treasury: stopped }],
    ['the escrow is frozen', { escrow: [...escrowWith(1_000), frozen] }],
  ])('records the verdict alone while %s', (_, world) => {
    judge('reward', world).then({
      accepted: {
        election: [expect.objectContaining({ type: 'ElectionDecided' }) as never],
        bounty: [judged('reward')],
      },
      finishesJob: '1-0',
    })
  })

  test('fails below the quorum, and is due again in five minutes', () => {
    judge(null).then({
      accepted: {
        election: [{ type: 'ElectionFailed', data: { why: 'quorum', ballots: 0, quorum: 2 } }],
        bounty: [{ type: 'BountyJudgingFailed', data: { round: 1, why: 'quorum', nextAt: later(300), isLast: false } }],
      },
      finishesJob: '1-0',
    })
  })

  test(`fails for good after ${maxFailedRounds} rounds`, () => {
    const history: BountyEvent[] = [...handedIn]
    for (let round = 1; round < maxFailedRounds; round++)
      history.push(judging(round, round), failedRound(round), {
        type: 'BountyJudgingQueued',
        data: { round: round + 1 },
      })
    history.push(judging(maxFailedRounds, maxFailedRounds))
    judge(null, { bounty: history }, { attempt: maxFailedRounds }).thenMatches({
      accepted: { bounty: [{ data: { round: maxFailedRounds, nextAt: now, isLast: true } }] },
    })
  })

  test.each<JudgingFault>(['over_budget', 'treasury_frozen'])(
    'that money prevents (%s) is not counted, and is due again in an hour',
    (why) => {
      const history: BountyEvent[] = [...handedIn]
      for (let round = 1; round < maxFailedRounds; round++)
        history.push(judging(round, round), failedRound(round), {
          type: 'BountyJudgingQueued',
          data: { round: round + 1 },
        })
      history.push(judging(maxFailedRounds, maxFailedRounds))
      judge(null, { bounty: history }, { attempt: maxFailedRounds, hindrance: why }).thenMatches({
        accepted: { bounty: [{ data: { why, nextAt: later(3_600), isLast: false } }] },
      })
    },
  )

  test('without an election fails for the reason that the worker knows, and never without one', () => {
    judge(null, { election: [] }, { hindrance: 'no_judges' }).thenMatches({
      accepted: { election: [], bounty: [{ data: { why: 'no_judges' } }] },
    })
    judge(null, { election: [] }).then({ refused: 'election_unknown' })
  })

  test('is refused while a call of a judge is open, to an older attempt, and once it is over', () => {
    judge('reward', { bounty: [...started, call] }).then({ refused: 'calls_still_open', details: { calls: 1 } })
    judge('reward', { bounty: [...started, judging(2)] }).then({ refused: 'attempt_superseded' })
    judge('reward', { bounty: [...started, failedRound(1)] }).then({ refused: 'judging_not_open' })
    judge('reward', { bounty: [...started, judged('reward')] }).then({ refused: 'judging_not_open' })
    judge('reward', {}, { worker: 'agent:bob' }).then({ refused: 'not_the_worker', details: { worker } })
  })
})

describe('an attempt at judging', () => {
  const start = (history: BountyEvent[], attempt: number) =>
    given(StartJudging.aggregates, { bounty: history }).when(StartJudging, {
      bountyId,
      attempt,
      process: `worker-${attempt}`,
      electionId: bountyId,
    })

  test('that takes over goes on in the election of its round', () => {
    start(started, 2).then({ accepted: { bounty: [judging(2)] } })
    start(started, 1).then({ refused: 'attempt_superseded' })
  })

  test('in a new round has a new election, and its number counts on', () => {
    const queued: BountyEvent = { type: 'BountyJudgingQueued', data: { round: 2 } }
    start([...started, failedRound(1), queued], 2).thenMatches({
      accepted: { bounty: [{ data: { round: 2, attempt: 2, electionId: bountyId } }] },
    })
  })

  test(`is refused after ${maxAttempts} in a round, and without work to judge`, () => {
    const exhausted = [...handedIn, ...Array.from({ length: maxAttempts }, (_, n) => judging(n + 1))]
    start(exhausted, maxAttempts + 1).then({ refused: 'attempts_exhausted', details: { attempts: maxAttempts } })
    start(held, 1).then({ refused: 'bounty_not_in_state', details: { status: 'claimed' } })
    start([...started, failedRound(1)], 2).then({ refused: 'judging_not_open' })
  })
})

describe('the calls of judges', () => {
  const day = '2026-11-23'
  const budgets = [budgetStream('council', day)]
  const reserving = (history: BountyEvent[], attempt: number) =>
    given(ReserveBudget.aggregates, { bounty: history }).when(ReserveBudget, {
      scopes: [{ scope: councilScope, day }],
      work: stream,
      attempt,
      calls: [{ callId: 'c1', phase: 'judge', member: 'analyst', model: 'scripted', amountMicros: 10 }],
      expiresAt: later(900),
    })

  test('are recorded on the bounty, and charged to its id', () => {
    reserving(started, 1).thenMatches({
      accepted: {
        chat: [],
        bounty: [call],
        budgets: new Map([[budgets[0], [{}, { type: 'BudgetReserved', data: { requestId: bountyId } }]]]),
      },
    })
    const settlement = {
      callId: 'c1',
      budgets,
      outcome: 'completed',
      usage: 'reported',
      promptTokens: 9,
      completionTokens: 3,
      priceRef: 'p@1/1',
      costMicros: 4,
    } as const
    given(DebitBudget.aggregates, { bounty: [...started, call], reserve: reserveWith(100) })
      .when(DebitBudget, { work: stream, attempt: 1, settlement })
      .thenMatches({
        accepted: {
          bounty: [{ type: 'ModelCallEnded', data: { callId: 'c1', costMicros: 4 } }],
          budgets: new Map([
            [budgets[0], [{ type: 'BudgetDebited', data: { requestId: bountyId, phase: 'judge', actualMicros: 4 } }]],
          ]),
          reserve: [{ type: 'AccountDebited', data: { amountMicros: 4, ref: bountyId } }],
        },
      })
  })

  test('are refused for an older attempt, and outside of judging', () => {
    reserving([...started, judging(2)], 1).then({ refused: 'attempt_superseded' })
    reserving([...started, failedRound(1)], 1).then({ refused: 'judging_not_open' })
    reserving(held, 1).then({ refused: 'judging_not_open' })
    reserving([], 1).then({ refused: 'bounty_unknown' })
  })
})

describe('the clock', () => {
  const advance = (history: BountyEvent[], at: string, world: Omit<World, 'bounty' | 'election'> = {}, by?: object) =>
    given(
      AdvanceBounty.aggregates,
      { bounty: history, escrow: escrowWith(1_000), reserve: reserveWith(0), payee: accountOfAda, ...world },
      at,
    ).when(AdvanceBounty, { bountyId, ...by })
  const expired = (why: string, refundedMicros: number) => ({
    accepted: { bounty: [{ type: 'BountyExpired', data: { why, refundedMicros } }] },
  })

  test('ends a claim that has timed out, so that the bounty is open again', () => {
    advance(held, later(3_600)).then({ accepted: { bounty: [{ type: 'ClaimExpired', data: { worker } }] } })
  })

  test.each([
    ['open', open, 1_000],
    ['claimed', held, 1_000],
    ['proposed', [proposed], 0],
  ] as const)('expires a bounty that is %s at its deadline', (_, history, refundedMicros) => {
    advance([...history], offer.deadline).thenMatches(expired('no_work', refundedMicros))
  })

  test('queues another round of judging when it is due', () => {
    advance([...started, failedRound(1)], now).then({
      accepted: { bounty: [{ type: 'BountyJudgingQueued', data: { round: 2 } }] },
      jobs: [{ kind: 'judge', on: stream }],
    })
  })

  test('expires a bounty that the council could not judge', () => {
    advance([...started, failedRound(1, true)], now).thenMatches(expired('not_judged', 1_000))
  })

  test('pays an award that had to wait, once the worker is known to it', () => {
    const waiting = [...started, judged('reward')]
    advance(waiting, now).then({ refused: 'not_the_worker', details: { worker } })
    advance(waiting, now, { treasury: stopped }, { worker }).then({ refused: 'treasury_frozen' })
    advance(waiting, now, {}, { worker }).thenMatches({
      accepted: { bounty: [{ type: 'BountyAwarded', data: { paidMicros: 700, refundedMicros: 300 } }] },
    })
  })

  test('does nothing before its time, and nothing that a freeze forbids', () => {
    advance(open, now).then({ refused: 'nothing_due' })
    advance(held, now).then({ refused: 'nothing_due' })
    advance(handedIn, later(99_999)).then({ refused: 'nothing_due' })
    advance([...started, failedRound(1)], later(-1)).then({ refused: 'nothing_due' })
    advance(open, offer.deadline, { treasury: stopped }).then({ refused: 'treasury_frozen' })
    advance([...started, failedRound(1)], now, { treasury: stopped }).then({ refused: 'treasury_frozen' })
    advance([], now).then({ refused: 'bounty_unknown' })
    expect(AdvanceBounty.recordsRefusals).toBeUndefined()
  })
})
