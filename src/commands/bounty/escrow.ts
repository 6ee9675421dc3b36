/** The money of a bounty: onto its escrow when it opens, and off it when it ends. */

import { accountStream, type AccountEvent } from '../../events/account.ts'
import {
  escrowOf,
  type BountyEvent,
  type BountyOffer,
  type BountyVerdict,
  type BountyWorker,
} from '../../events/bounty.ts'
import { AccountId, type Principal, type Uuid7 } from '../../events/identifiers.ts'
import { treasuryStream } from '../../events/treasury.ts'
import { account, type Account } from '../aggregates/account.ts'
import { treasury, type Treasury } from '../aggregates/treasury.ts'
import { refused, type Refusal } from '../refusals.ts'
import { credit, debit, openedFor } from '../treasury/incurred-cost.ts'
import { transferred } from '../treasury/movement.ts'
import { payeeOf } from './claimant.ts'

const reserveId = AccountId.parse('reserve')

/** What a command reads that funds a bounty, or returns its money to the reserve. */
export const escrowAggregates = { treasury, reserve: account, escrow: account } as const

export const escrowReads = (bountyId: Uuid7) => ({
  treasury: treasuryStream,
  reserve: accountStream(reserveId),
  escrow: accountStream(escrowOf(bountyId)),
})

export type EscrowStates = { treasury: Treasury; reserve: Account; escrow: Account }
type EscrowEvents = { reserve: AccountEvent[]; escrow: AccountEvent[] }

/** The events that open a bounty: reward and bonus move to a new escrow, by the rules of every transfer. */
export function funded(
  bountyId: Uuid7,
  offer: BountyOffer,
  states: EscrowStates,
  { now, principal }: { now: string; principal: Principal },
): (EscrowEvents & { bounty: BountyEvent }) | Refusal {
  if (states.treasury.frozen) return refused('treasury_frozen')
  const escrow = escrowOf(bountyId)
  if (states.escrow.status !== 'absent') return refused('account_exists', { account: escrow })
  const accountOpened: AccountEvent = { type: 'AccountOpened', data: { accountId: escrow } }
  const { rewardMicros, bonusMicros, deadline, claimSeconds } = offer
  const moved = transferred(
    {
      transferId: `open:${bountyId}`,
      from: reserveId,
      to: escrow,
      amountMicros: rewardMicros + bonusMicros,
      reason: 'funds a bounty',
      ref: bountyId,
    },
    { from: states.reserve, to: account.evolve(states.escrow, accountOpened) },
    now,
  )
  if ('outcome' in moved) return moved
  return {
    bounty: {
      type: 'BountyOpened',
      data: { rewardMicros, bonusMicros, deadline, claimSeconds, escrow, by: principal },
    },
    reserve: moved.from,
    escrow: [accountOpened, ...moved.to],
  }
}

/** Why the escrow can pay nothing now; null if it can. */
function payingProblem({ treasury: { frozen }, escrow }: Omit<EscrowStates, 'reserve'>): Refusal | null {
  if (frozen) return refused('treasury_frozen')
  return escrow.status === 'frozen' ? refused('account_frozen', { account: escrow.accountId }) : null
}

type Refund = EscrowEvents & { refundedMicros: number }

/** For a bounty that was never opened. */
export const nothingMoved: Refund = { reserve: [], escrow: [], refundedMicros: 0 }

/**
 * The events that return everything on the escrow to the reserve, and the amount; or why the escrow can pay nothing now. A frozen
 * reserve receives it too. The amount is what the escrow holds, whatever was promised: the escrow ends at 0.
 */
export const returnedMoney = (bountyId: Uuid7, states: EscrowStates, now: string): Refund | Refusal =>
  payingProblem(states) ?? refund(bountyId, states.escrow, now)

function refund(bountyId: Uuid7, escrow: Account, now: string): Refund {
  const { refundedMicros, leaving, back } = emptied(bountyId, null, escrow, now)
  return { refundedMicros, escrow: leaving, reserve: back }
}

/** What the council owes to the worker of a bounty. */
type Verdict = { offer: BountyOffer; worker: BountyWorker; verdict: BountyVerdict }

/**
 * The events that end a judged bounty: the worker gets what the verdict promises, the reserve gets the rest, and the escrow ends at 0.
 * Or why the escrow can pay nothing now: the award then waits. A frozen account of a worker receives its award.
 */
export function paidOut(
  bountyId: Uuid7,
  { offer: { rewardMicros, bonusMicros }, worker, verdict }: Verdict,
  states: EscrowStates & { payee: Account },
  now: string,
): (EscrowEvents & { bounty: BountyEvent; payee: AccountEvent[] }) | Refusal {
  const problem = payingProblem(states)
  if (problem) return problem
  const { escrow, payee } = states
  if (verdict === 'reject') {
    const { refundedMicros, ...events } = refund(bountyId, escrow, now)
    return { ...events, payee: [], bounty: { type: 'BountyRejected', data: { worker, refundedMicros } } }
  }
  const promisedMicros = verdict === 'reward' ? rewardMicros : rewardMicros + bonusMicros
  const award = { worker, promisedMicros }
  const { paidMicros, refundedMicros, leaving, awarded, back } = emptied(bountyId, award, escrow, now)
  return {
    escrow: leaving,
    reserve: back,
    payee: openedFor(payeeOf(worker), payee, awarded),
    bounty: { type: 'BountyAwarded', data: { worker, account: payeeOf(worker), paidMicros, refundedMicros } },
  }
}

function emptied(
  bountyId: Uuid7,
  award: { worker: BountyWorker; promisedMicros: number } | null,
  escrow: Account,
  now: string,
) {
  const balanceMicros = escrow.status === 'absent' ? 0 : escrow.balanceMicros
  const paidMicros = Math.min(award?.promisedMicros ?? 0, balanceMicros)
  const refundedMicros = balanceMicros - paidMicros
  const payment = {
    transferId: `award:${bountyId}`,
    amountMicros: paidMicros,
    reason: award ? `awards a bounty to ${award.worker}` : 'awards nothing',
    ref: bountyId,
  }
  const rest = {
    transferId: `refund:${bountyId}`,
    amountMicros: refundedMicros,
    reason: 'returns the money of a bounty',
    ref: bountyId,
  }
  return {
    paidMicros,
    refundedMicros,
    leaving: [...debit(payment, paidMicros, now), ...debit(rest, refundedMicros, now)],
    awarded: credit(payment, now, 'award'),
    back: credit(rest, now, 'refund'),
  }
}
