import { ClaimBounty } from '../../src/commands/bounty/claim-bounty.ts'
import { JudgeBounty } from '../../src/commands/bounty/judge-bounty.ts'
import { OpenBounty } from '../../src/commands/bounty/open-bounty.ts'
import { StartJudging } from '../../src/commands/bounty/start-judging.ts'
import { SubmitBountyWork } from '../../src/commands/bounty/submit-bounty-work.ts'
import { CastBallot } from '../../src/commands/election/cast-ballot.ts'
import { OpenElection } from '../../src/commands/election/open-election.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { bountyStream, bountyVerdicts, BountyWorker, type BountyVerdict } from '../../src/events/bounty.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { newId, type TestCouncil } from './council.ts'
import { id } from './treasury.ts'

type Council = Pick<TestCouncil, 'execute'>
const worker = BountyWorker.parse('agent:ada')
const judges = ['analyst', 'sceptic', 'pragmatist']

/** Opens the accounts of bounties, with $1 in the reserve. */
export async function fundReserve({ execute }: Council): Promise<void> {
  for (const account of ['external', 'reserve', 'agent:ada']) await execute(OpenAccount, { account: id(account) })
  const seed = { transferId: 'seed', from: id('external'), to: id('reserve'), amountMicros: 1_000_000, reason: 'seed' }
  await execute(TransferFunds, seed)
}

/** Opens a bounty of 700 µ$ with a bonus of 300 µ$. */
export async function openedBounty({ execute }: Council, title = 'Planets'): Promise<Uuid7> {
  const bountyId = newId()
  const deadline = new Date(Date.now() + 3_600_000).toISOString()
  const text = { title, task: 'List the planets.', criteria: 'All eight.' }
  await execute(OpenBounty, { bountyId, ...text, rewardMicros: 700, bonusMicros: 300, deadline, claimSeconds: 3_600 })
  return bountyId
}

/** Brings an opened bounty to its verdict step by step, as a worker and its judges do. Returns the id of the election. */
export async function judgedBounty(
  { execute }: Council,
  bountyId: Uuid7,
  verdict: BountyVerdict,
  job = '1-1',
): Promise<Uuid7> {
  const electionId = newId()
  const step = { work: bountyStream(bountyId), attempt: 1 }
  await execute(ClaimBounty, { bountyId, worker })
  await execute(SubmitBountyWork, { bountyId, work: 'Mercury, …' })
  await execute(StartJudging, { bountyId, attempt: 1, process: 'worker-1', electionId })
  const candidates = bountyVerdicts.map((standsFor, index) => ({ label: 'ABC'.charAt(index), standsFor }))
  await execute(OpenElection, {
    electionId,
    purpose: 'bounty',
    ref: bountyId,
    candidates,
    electorate: judges.map((member) => ({ member, weight: 1 })),
    ownCandidateAllowed: false,
    method: 'ranked_pairs',
    quorum: 2,
    seed: 'the seed of this election',
    step,
  })
  const labels = candidates.map(({ label }) => label)
  const first = labels[bountyVerdicts.indexOf(verdict)] ?? ''
  const ballot = [first, ...labels.filter((label) => label !== first)]
  for (const member of judges) await execute(CastBallot, { electionId, member, ballot, step })
  await execute(JudgeBounty, { bountyId, attempt: 1, worker, electionId, job })
  return electionId
}
