import { bountyStream, type BountyEvent } from '../../events/bounty.ts'
import { electionStream, isElectionEvent } from '../../events/election.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { Position, Principal, uuid7TimeMs, type Uuid7 } from '../../events/identifiers.ts'
import { maxIdAheadMs } from '../../events/log/append/append.ts'
import type { LogReader } from '../../events/log/log.ts'
import type { WorkToJudge } from '../council/judging-prompt.ts'
import { electionAdvanced, unopenedElection, type ElectionProgress } from '../council/progress.ts'

/** What the log has about a bounty whose work is judged. */
export type BountyRecord = {
  work: WorkToJudge
  /** Whose budget pays for the judging. */
  openedBy: Principal
  submission: RecordedEvent<BountyEvent>
}

type EventOf<Type extends BountyEvent['type']> = RecordedEvent<Extract<BountyEvent, { type: Type }>>

/** Reads the texts of a bounty, which its state does not have. Throws if work was never submitted. */
export async function readBounty(log: LogReader, bountyId: Uuid7): Promise<BountyRecord> {
  let proposed: EventOf<'BountyProposed'> | null = null
  let opened: EventOf<'BountyOpened'> | null = null
  let submission: EventOf<'BountyWorkSubmitted'> | null = null
  for await (const page of log.read({ after: beforeFirstOf(bountyId), streams: [bountyStream(bountyId)] }))
    for (const event of page) {
      if (event.type === 'BountyProposed') proposed = event
      else if (event.type === 'BountyOpened') opened = event
      else if (event.type === 'BountyWorkSubmitted') submission = event
    }
  if (!proposed || !opened || !submission) throw new Error(`the log has no submitted work of the bounty ${bountyId}`)
  const { title, task, criteria } = proposed.data
  return {
    work: { title, task, criteria, work: submission.data.work },
    openedBy: Principal.parse(opened.data.by),
    submission,
  }
}

/** Reads what earlier attempts have recorded of the election of a round. */
export async function readElection(log: LogReader, electionId: Uuid7): Promise<ElectionProgress> {
  let progress = unopenedElection
  for await (const page of log.read({ after: beforeFirstOf(electionId), streams: [electionStream(electionId)] }))
    for (const event of page) if (isElectionEvent(event)) progress = electionAdvanced(progress, event)
  return progress
}

/** A position before the first event of a stream that is named by an id: an id may be a little ahead of the log's clock. */
const beforeFirstOf = (id: Uuid7): Position => Position.parse(`${Math.max(0, uuid7TimeMs(id) - maxIdAheadMs)}-0`)
