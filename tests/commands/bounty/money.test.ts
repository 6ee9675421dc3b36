import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bounty } from '../../../src/commands/aggregates/bounty.ts'
import type { LiveAccount } from '../../../src/commands/aggregates/account.ts'
import { AdvanceBounty } from '../../../src/commands/bounty/advance-bounty.ts'
import { CancelBounty } from '../../../src/commands/bounty/cancel-bounty.ts'
import { ClaimBounty } from '../../../src/commands/bounty/claim-bounty.ts'
import { FundBounty } from '../../../src/commands/bounty/fund-bounty.ts'
import { JudgeBounty } from '../../../src/commands/bounty/judge-bounty.ts'
import { OpenBounty } from '../../../src/commands/bounty/open-bounty.ts'
import { ProposeBounty } from '../../../src/commands/bounty/propose-bounty.ts'
import { StartJudging } from '../../../src/commands/bounty/start-judging.ts'
import { SubmitBountyWork } from '../../../src/commands/bounty/submit-bounty-work.ts'
import { CastBallot } from '../../../src/commands/election/cast-ballot.ts'
import { OpenElection } from '../../../src/commands/election/open-election.ts'
import { FreezeAccount } from '../../../src/commands/treasury/freeze-account.ts'
import { FreezeTreasury } from '../../../src/commands/treasury/freeze-treasury.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { UnfreezeAccount } from '../../../src/commands/treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from '../../../src/commands/treasury/unfreeze-treasury.ts'
import { bountyStream, bountyVerdicts, BountyWorker, escrowOf } from '../../../src/events/bounty.ts'
import { accountStream } from '../../../src/events/account.ts'
import type { Uuid7 } from '../../../src/events/identifiers.ts'
import { id, reservation, treasuryInMemory } from '../../support/treasury.ts'

const start = Date.parse('2026-11-23T08:00:00.000Z')
const bounties = [reservation(0xb1), reservation(0xb2)] as const
const workers = ['agent:ada', 'agent:bob', 'user:eve'].map((name) => BountyWorker.parse(name))
const terminal = /^Bounty(Awarded|Rejected|Expired|Cancelled)$/

const bountyId = fc.constantFrom(...bounties)
const worker = fc.constantFrom(...workers)
const amountMicros = fc.integer({ min: 1, max: 5_000 })

const verdicts = fc.oneof(fc.constantFrom([], [0, 0], [1, 1], [2, 2]), fc.array(fc.nat(2), { maxLength: 3 }))

/** A random command about one of two bounties, or about the money around them. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ ask: fc.constantFrom('propose', 'open'), bountyId, amountMicros }) },
  { weight: 4, arbitrary: fc.record({ ask: fc.constantFrom('fund', 'submit', 'advance', 'cancel'), bountyId }) },
  { weight: 4, arbitrary: fc.record({ ask: fc.constantFrom('claim', 'hand in'), bountyId, worker }) },
  { weight: 5, arbitrary: fc.record({ ask: fc.constant('judge'), bountyId, verdicts }) },
  {
    weight: 3,
    arbitrary: fc.record({ ask: fc.constantFrom('top up', 'withdraw', 'reserve'), bountyId, amountMicros }),
  },
  { weight: 1, arbitrary: fc.record({ ask: fc.constantFrom('freeze', 'stop'), bountyId }) },
  { weight: 3, arbitrary: fc.record({ ask: fc.constantFrom('unfreeze', 'go on'), bountyId }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const histories = fc.array(fc.record({ step, laterMs: fc.constantFrom(0, 1, 60_000, 600_000, 3_600_000) }), {
  minLength: 30,
  maxLength: 90,
  size: 'max',
})

type World = ReturnType<typeof treasuryInMemory>
const bountyOf = (world: World, of: Uuid7): Bounty =>
  (world.stateOf(bountyStream(of)) as Bounty | undefined) ?? { status: 'absent' }

function funded(now: string): World {
  const world = treasuryInMemory()
  for (const account of ['reserve', 'external', 'agent:ada', 'agent:bob'])
    world.perform(OpenAccount, { account: id(account) }, now)
  const seed = { transferId: 'seed', from: id('external'), to: id('reserve'), amountMicros: 20_000, reason: 'seed' }
  world.perform(TransferFunds, seed, now)
  return world
}

/** Runs one step. `made` is unique, and names what the step makes. */
function happen(world: World, made: number, next: Step, now: string): void {
  const { ask, bountyId: of } = next
  const text = { title: 'A list', task: 'List the planets.', criteria: 'All eight.' }
  const transfer = { transferId: `t${made}`, reason: 'story' }
  if ('verdicts' in next) return judge(world, of, made, next.verdicts, now)
  if ('worker' in next) {
    world.perform(ClaimBounty, { bountyId: of, worker: next.worker }, now)
    if (ask === 'hand in') world.perform(SubmitBountyWork, { bountyId: of, work: 'Mercury, …' }, now)
    return
  }
  if ('amountMicros' in next) {
    const { amountMicros: amount } = next
    const deadline = new Date(Date.parse(now) + 7_200_000).toISOString()
    const offer = { rewardMicros: amount, bonusMicros: amount % 700, deadline, claimSeconds: 3_600 }
    const escrow = escrowOf(of)
    if (ask === 'propose') world.perform(ProposeBounty, { bountyId: of, ...text, ...offer }, now)
    else if (ask === 'open') world.perform(OpenBounty, { bountyId: of, ...text, ...offer }, now)
    else if (ask === 'top up')
      world.perform(TransferFunds, { ...transfer, from: id('reserve'), to: escrow, amountMicros: amount }, now)
    else if (ask === 'withdraw')
      world.perform(TransferFunds, { ...transfer, from: escrow, to: id('reserve'), amountMicros: amount }, now)
    else
      world.perform(
        ReserveFunds,
        { account: escrow, reservationId: reservation(made), amountMicros: amount, expiresAt: deadline },
        now,
      )
    return
  }
  switch (ask) {
    case 'fund':
      return void world.perform(FundBounty, { bountyId: of }, now)
    case 'submit':
      return void world.perform(SubmitBountyWork, { bountyId: of, work: 'Mercury, …' }, now)
    case 'advance':
      return advance(world, of, now)
    case 'cancel':
      return void world.perform(CancelBounty, { bountyId: of, reason: 'story' }, now)
    case 'freeze':
      return void world.perform(FreezeAccount, { account: escrowOf(of), reason: 'story' }, now)
    case 'unfreeze':
      return void world.perform(UnfreezeAccount, { account: escrowOf(of), reason: 'story' }, now)
    case 'stop':
      return void world.perform(FreezeTreasury, { reason: 'story' }, now)
    default:
      return void world.perform(UnfreezeTreasury, { reason: 'story' }, now)
  }
}

function advance(world: World, of: Uuid7, now: string): void {
  const state = bountyOf(world, of)
  world.perform(AdvanceBounty, { bountyId: of, ...(state.status === 'judged' && { worker: state.worker }) }, now)
}

/** Judges work as a worker process does, with one ballot for each verdict. */
function judge(world: World, of: Uuid7, made: number, verdicts: readonly number[], now: string): void {
  const state = bountyOf(world, of)
  if (state.status !== 'submitted' || state.judging.next !== null) return
  const attempt = state.judging.attempt + 1
  const electionId = reservation(0x1000 + made)
  world.perform(StartJudging, { bountyId: of, attempt, process: 'w', electionId }, now)
  const labels = ['A', 'B', 'C']
  world.perform(
    OpenElection,
    {
      electionId,
      purpose: 'bounty',
      ref: of,
      candidates: bountyVerdicts.map((standsFor, index) => ({ label: labels[index] ?? '', standsFor })),
      electorate: ['m1', 'm2', 'm3'].map((member) => ({ member, weight: 1 })),
      ownCandidateAllowed: false,
      method: 'ranked_pairs',
      quorum: 2,
      seed: '0123456789abcdef',
    },
    now,
  )
  for (const [index, verdict] of verdicts.entries()) {
    const ballot = [...labels.slice(verdict), ...labels.slice(0, verdict)]
    world.perform(CastBallot, { electionId, member: `m${index + 1}`, ballot }, now)
  }
  world.perform(JudgeBounty, { bountyId: of, attempt, worker: state.worker, electionId, job: '1-0' }, now)
}

function expectMoneyIsRight(world: World): void {
  const accounts = world.accounts()
  expect(accounts.reduce((sum, { balanceMicros }) => sum + balanceMicros, 0)).toBe(0)
  for (const of of bounties) {
    const state = bountyOf(world, of)
    const escrow = world.stateOf(accountStream(escrowOf(of))) as LiveAccount | undefined
    if (!escrow) continue
    if (
      state.status === 'open' ||
      state.status === 'claimed' ||
      state.status === 'submitted' ||
      state.status === 'judged'
    )
      expect(escrow.balanceMicros).toBeGreaterThanOrEqual(state.offer.rewardMicros + state.offer.bonusMicros)
  }
}

/** What an ending says that it paid and returned is what left the escrow with it. */
function expectEndingsAreRight({ log }: World): void {
  for (const of of bounties) {
    const own = log.map(({ stream, event }, index) => ({ stream, event, index }))
    const endings = own.filter(({ stream, event }) => stream === bountyStream(of) && terminal.test(event.type))
    expect(endings.length).toBeLessThanOrEqual(1)
    const [ending] = endings
    if (!ending) continue
    const escrow = own.filter(({ stream }) => stream === accountStream(escrowOf(of)))
    const balance = (upTo: number): number =>
      escrow.reduce((sum, { event, index }) => {
        const { amountMicros = 0 } = event.data as { amountMicros?: number }
        if (index > upTo) return sum
        return (
          sum + (event.type === 'AccountCredited' ? amountMicros : event.type === 'AccountDebited' ? -amountMicros : 0)
        )
      }, 0)
    const { paidMicros = 0, refundedMicros } = ending.event.data as { paidMicros?: number; refundedMicros: number }
    // The debits of the escrow follow the ending in the same decision.
    const left = escrow
      .filter(
        ({ event, index }) =>
          index > ending.index && /^(award|refund):/.test((event.data as { transferId?: string }).transferId ?? ''),
      )
      .reduce((sum, { event }) => sum + (event.data as { amountMicros: number }).amountMicros, 0)
    expect(left).toBe(paidMicros + refundedMicros)
    expect(balance(ending.index)).toBe(left)
  }
}

test('money is neither made nor lost by any sequence of bounty commands, and every bounty ends once', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(histories, (steps) => {
      let nowMs = start
      const world = funded(new Date(nowMs).toISOString())
      for (const [made, { step: next, laterMs }] of steps.entries()) {
        nowMs += laterMs
        happen(world, made, next, new Date(nowMs).toISOString())
        expectMoneyIsRight(world)
      }
      const end = new Date(nowMs).toISOString()
      world.perform(UnfreezeTreasury, { reason: 'end' }, end)
      for (const [which, of] of bounties.entries()) {
        world.perform(UnfreezeAccount, { account: escrowOf(of), reason: 'end' }, end)
        for (let more = 0; more < 20 && !['absent', 'finished'].includes(bountyOf(world, of).status); more++) {
          nowMs += 7_200_000
          const now = new Date(nowMs).toISOString()
          judge(world, of, 0x1000 * (which + 1) + more, [], now)
          advance(world, of, now)
        }
        expect(['absent', 'finished']).toContain(bountyOf(world, of).status)
      }
      expectMoneyIsRight(world)
      expectEndingsAreRight(world)
      for (const { event } of world.log) seen.add(event.type)
    }),
    { numRuns: 500 },
  )
  // The property is worth nothing if the histories do not reach every ending.
  for (const type of ['BountyAwarded', 'BountyRejected', 'BountyExpired', 'BountyCancelled', 'BountyJudgingQueued'])
    expect(seen).toContain(type)
})
