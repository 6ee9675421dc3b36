import { bounty } from '../../src/commands/aggregates/bounty.ts'
import { AdvanceBounty } from '../../src/commands/bounty/advance-bounty.ts'
import { CancelBounty } from '../../src/commands/bounty/cancel-bounty.ts'
import { ClaimBounty } from '../../src/commands/bounty/claim-bounty.ts'
import { FundBounty } from '../../src/commands/bounty/fund-bounty.ts'
import { JudgeBounty } from '../../src/commands/bounty/judge-bounty.ts'
import { OpenBounty } from '../../src/commands/bounty/open-bounty.ts'
import { ProposeBounty } from '../../src/commands/bounty/propose-bounty.ts'
import { StartJudging } from '../../src/commands/bounty/start-judging.ts'
import { SubmitBountyWork } from '../../src/commands/bounty/submit-bounty-work.ts'
import { CastBallot } from '../../src/commands/election/cast-ballot.ts'
import { OpenElection } from '../../src/commands/election/open-election.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { bountyStream, bountyVerdicts, BountyWorker, escrowOf } from '../../src/events/bounty.ts'
import { electionStream } from '../../src/events/election.ts'
import { AccountId, Uuid7, type StreamName } from '../../src/events/identifiers.ts'
import type { Job } from '../../src/events/log/jobs/job-queue.ts'
import { isoTime } from '../../src/platform/clock.ts'
import { commandFor, type ClientCommand } from './client-commands.ts'
import type { Client, Gates } from './client.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

const text = { title: 'Planets', task: 'List the planets.', criteria: 'All eight.' }
const worker = (name: string) => BountyWorker.parse(name)
const workers = [worker('agent:ada'), worker('agent:bob'), worker('user:eve')] as const
const reserve = AccountId.parse('reserve')
const judges = ['ada', 'bob', 'eve'] as const
const labels = ['A', 'B', 'C'] as const

/** A random command about one of the last two bounties, most often the next step of its life; or a new bounty. */
export function bountyCommand(random: Random, commandId: Uuid7, nowMs: number, bounties: Uuid7[]): ClientCommand {
  const bountyId = bounties.at(-1 - random.below(Math.min(2, bounties.length)))
  if (bountyId === undefined || random.happens(0.2)) {
    bounties.push(commandId)
    const offer = { rewardMicros: 1 + random.below(20), bonusMicros: random.below(10), claimSeconds: 60 }
    const deadline = isoTime(nowMs + random.pick([2_000, 3_600_000]))
    const fields = { bountyId: commandId, ...text, ...offer, deadline }
    return random.happens(0.2) ? commandFor(ProposeBounty, fields) : commandFor(OpenBounty, fields)
  }
  const dice = random.below(20)
  if (dice < 7) return commandFor(ClaimBounty, { bountyId, worker: random.pick(workers) })
  if (dice < 12) return commandFor(SubmitBountyWork, { bountyId, work: 'Mercury, …' })
  if (dice < 14) return commandFor(CancelBounty, { bountyId, reason: 'simulated' })
  if (dice < 15) return commandFor(FundBounty, { bountyId })
  if (dice < 17) return commandFor(AdvanceBounty, { bountyId, worker: random.pick(workers) })
  // A gift: what returns at the end is what the escrow has, not what was promised.
  const gift = { from: reserve, to: escrowOf(bountyId), amountMicros: 1 + random.below(5), reason: 'simulated' }
  return commandFor(TransferFunds, { transferId: 'gift', ...gift })
}

/** Judges submitted work as a worker does, with random ballots, and may abandon it halfway. */
export async function judge(
  client: Client,
  gates: Gates,
  { random, watch }: Pick<World, 'random' | 'watch'>,
  { entry, stream }: Pick<Job, 'entry' | 'stream'>,
): Promise<void> {
  const state = await stateOf(gates, stream)
  if (state?.status !== 'submitted' || state.judging.next !== null) return
  const bountyId = Uuid7.parse(stream.slice('bounty/'.length))
  const attempt = state.judging.attempt + 1
  const proposed = gates.newId()
  watch(electionStream(proposed))
  const electionId = state.judging.electionId ?? proposed
  const started = await client.insist(
    commandFor(StartJudging, { bountyId, attempt, process: 'worker', electionId: proposed }),
  )
  const isExhausted = started.result === 'refused' && started.code === 'attempts_exhausted'
  if (started.result !== 'appended' && started.result !== 'duplicate' && !isExhausted) return
  if (random.happens(0.2)) return
  const step = { work: bountyStream(bountyId), attempt: isExhausted ? attempt - 1 : attempt }
  if (!isExhausted) await vote(client, random, electionId, step)
  await client.insist(
    commandFor(JudgeBounty, {
      bountyId,
      attempt: step.attempt,
      worker: state.worker,
      electionId,
      hindrance: 'crashed',
      job: entry,
    }),
  )
}

async function vote(
  client: Client,
  random: Random,
  electionId: Uuid7,
  step: { work: StreamName<'bounty'>; attempt: number },
): Promise<void> {
  await client.insist(
    commandFor(OpenElection, {
      electionId,
      purpose: 'bounty',
      ref: step.work.slice('bounty/'.length),
      candidates: bountyVerdicts.map((standsFor, index) => ({ label: labels[index] ?? '', standsFor })),
      electorate: judges.map((member) => ({ member, weight: 1 })),
      ownCandidateAllowed: false,
      method: 'ranked_pairs',
      quorum: 2,
      seed: electionId,
      step,
    }),
  )
  for (const member of judges) {
    if (random.happens(0.3)) continue
    const first = random.below(labels.length)
    const ballot = [...labels.slice(first), ...labels.slice(0, first)]
    await client.insist(commandFor(CastBallot, { electionId, member, ballot, step }))
  }
}

async function stateOf(gates: Gates, stream: StreamName) {
  const found = gates.some()
  const loaded = await Promise.race([found?.gate.load(bounty, stream).catch(() => undefined), found?.owner.died])
  return loaded && loaded !== 'died' ? loaded.state : undefined
}
