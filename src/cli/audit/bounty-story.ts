import { accountStream } from '../../events/account.ts'
import { bountyStream, escrowOf, isBountyEvent, type BountyEvent } from '../../events/bounty.ts'
import { isBudgetEvent } from '../../events/budget.ts'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import { electionStream, isElectionEvent, type ElectionEvent } from '../../events/election.ts'
import { printableEvent, type RecordedEvent } from '../../events/event.ts'
import type { StreamName, Uuid7 } from '../../events/identifiers.ts'
import { isModelCallEvent } from '../../events/model-call.ts'
import { recount } from '../../gedi/recount.ts'
import { electionOf, formatBallot } from '../gedi/recorded-election.ts'
import { assertSameResult } from '../gedi/same-result.ts'
import type { Output } from '../output.ts'
import { isMovement } from './bounty-money.ts'
import type { Evidence } from './evidence.ts'
import { storyLine, timedLine } from './story-line.ts'

/** The recounts of a bounty's elections. */
export type Recounted = {
  /** Throws CliError `election_differs` if the ballots of an election give another result than the recorded one. */
  assertSameResults: () => void
}

/** Prints the events of one bounty, then each ballot with its voter, and the recount of each election. */
export async function printStory(story: readonly AnyRecordedEvent[], output: Output): Promise<Recounted> {
  const startMs = Date.parse(story[0]?.metadata.occurredAt ?? '')
  for (const event of story)
    await output.result({ kind: 'event', ...printableEvent(event) }, () => lineOf(output, event, startMs))
  const elections = [...Map.groupBy(story.filter(isElectionEvent), ({ stream }) => stream)]
  for (const [stream, events] of elections) await printElection(output, stream, events)
  await output.forPeople('')
  return {
    assertSameResults() {
      for (const [stream, events] of elections) {
        const election = electionOf(events)
        const again = election && recount(election)
        if (election && again) assertSameResult(stream.slice('election/'.length), election, again)
      }
    },
  }
}

/**
 * Every event of one bounty, in order: its own, those of its escrow and its elections, and what their commands wrote to budgets and
 * accounts.
 */
export async function storyOf(evidence: Evidence, bountyId: Uuid7): Promise<AnyRecordedEvent[]> {
  const [stream, escrow] = [bountyStream(bountyId), accountStream(escrowOf(bountyId))]
  const own = await evidence.eventsOf([stream, escrow])
  const elections = new Set<StreamName>(
    own.flatMap((event) => (event.type === 'BountyJudgingStarted' ? [electionStream(event.data.electionId)] : [])),
  )
  const all = await evidence.eventsOfCommands([...own, ...(await evidence.eventsOf([...elections]))])
  const onEscrow = new Set(own.filter((event) => event.stream === escrow).map(commandOf))
  return all.filter((event) => {
    if (event.stream === stream || event.stream === escrow) return true
    if (isElectionEvent(event)) return elections.has(event.stream)
    if (isBudgetEvent(event)) return !('requestId' in event.data) || event.data.requestId === bountyId
    return isMovement(event) && (event.data.ref === bountyId || onEscrow.has(commandOf(event)))
  })
}

const commandOf = ({ metadata }: RecordedEvent): string => `${metadata.actor} ${metadata.commandId}`

function lineOf(output: Output, event: AnyRecordedEvent, startMs: number): string {
  if (isBountyEvent(event) && !isModelCallEvent(event)) return timedLine(output, event, startMs, formatBounty(event))
  if (isMovement(event)) {
    const { transferId, amountMicros, reason } = event.data
    const sign = event.type === 'AccountCredited' ? '+' : '-'
    return timedLine(output, event, startMs, `${sign}${amountMicros} µ$ on ${event.stream}: ${reason} (${transferId})`)
  }
  if (isModelCallEvent(event) || isElectionEvent(event) || isBudgetEvent(event))
    return storyLine(output, event, startMs)
  return timedLine(output, event, startMs, `${event.stream}, by ${event.metadata.actor}`)
}

type OwnEvent = Exclude<RecordedEvent<BountyEvent>, { type: 'ModelCallStarted' | 'ModelCallEnded' }>

function formatBounty(event: OwnEvent): string {
  switch (event.type) {
    case 'BountyProposed':
      return `by ${event.metadata.actor}: ${JSON.stringify(event.data.title)}, ${event.data.rewardMicros} µ$ and a bonus of ${event.data.bonusMicros} µ$, until ${event.data.deadline}`
    case 'BountyOpened':
      return `by ${event.data.by}, on ${event.data.escrow}`
    case 'BountyClaimed':
      return `by ${event.data.worker} until ${event.data.expiresAt}`
    case 'ClaimExpired':
      return `of ${event.data.worker}`
    case 'BountyWorkSubmitted':
      return `by ${event.data.worker}: ${JSON.stringify(event.data.work)}`
    case 'BountyJudgingStarted':
      return `round ${event.data.round}, attempt ${event.data.attempt} on ${event.data.process}, election ${event.data.electionId}`
    case 'BountyJudgingFailed':
      return `round ${event.data.round}: ${event.data.why}; ${event.data.isLast ? 'the bounty ends' : 'again'} at ${event.data.nextAt}`
    case 'BountyJudgingQueued':
      return `round ${event.data.round}`
    case 'BountyJudged':
      return `${event.data.verdict} by the election ${event.data.electionId}`
    case 'BountyAwarded':
      return `${event.data.paidMicros} µ$ to ${event.data.worker} on ${event.data.account}, ${event.data.refundedMicros} µ$ back to the reserve`
    case 'BountyRejected':
      return `the work of ${event.data.worker}; ${event.data.refundedMicros} µ$ back to the reserve`
    case 'BountyExpired':
      return `${event.data.why}; ${event.data.refundedMicros} µ$ back to the reserve`
    case 'BountyCancelled':
      return `by ${event.metadata.actor}: ${event.data.reason}; ${event.data.refundedMicros} µ$ back to the reserve`
    default:
      return event satisfies never
  }
}

async function printElection(
  output: Output,
  stream: string,
  events: readonly RecordedEvent<ElectionEvent>[],
): Promise<void> {
  const election = electionOf(events)
  if (!election) return
  const { rules, ballots, abstentions } = election
  const electionId = stream.slice('election/'.length)
  const meaning = rules.candidates.map(({ label, standsFor }) => `${label} is ${standsFor}`).join(', ')
  await output.forPeople('')
  await output.forPeople(output.paint('bold', `ballots of ${electionId}, ${rules.method}: ${meaning}`))
  for (const { member, ballot, position } of ballots)
    await output.result(
      { kind: 'ballot', election: electionId, member, ballot, position },
      () => `    ${member.padEnd(16)} ${formatBallot(ballot).padEnd(12)} ${position}`,
    )
  for (const { data, position } of abstentions)
    await output.result(
      { kind: 'abstention', election: electionId, member: data.member, why: data.why, position },
      () => `    ${data.member.padEnd(16)} ${'abstains'.padEnd(12)} ${position}  ${data.why}`,
    )
  const again = recount(election)
  const isSame = again === null ? null : again.differing.length === 0
  await output.result({ kind: 'recount', election: electionId, isSame }, () =>
    isSame === null
      ? '    the election is open'
      : `    the recount ${isSame ? 'gives the recorded result' : `DIFFERS in ${again?.differing.join(', ')}`}`,
  )
}
