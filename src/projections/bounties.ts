import { sql } from 'kysely'
import { z } from 'zod'
import { bountyEvents, BountyVerdict, isBountyEvent, JudgingFault, type BountyEvent } from '../events/bounty.ts'
import type { RecordedEvent } from '../events/event.ts'
import { modelCallEvents } from '../events/model-call.ts'
import { isoTime } from '../platform/clock.ts'
import { bigint, bytewise, integer, nullable, text, textOf, timestamp, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

const bountyStatuses = [
  ...['proposed', 'open', 'claimed', 'submitted', 'judged'],
  ...['awarded', 'rejected', 'expired', 'cancelled'],
] as const
export const BountyStatus = z.enum(bountyStatuses)

/** Amounts are integer micro-dollars. */
const columns = {
  bounty_id: bytewise(text),
  status: textOf(BountyStatus),
  title: text,
  task: text,
  criteria: text,
  reward_micros: bigint,
  bonus_micros: bigint,
  deadline: timestamp,
  claim_seconds: integer,
  proposed_by: text,
  proposed_at: timestamp,
  opened_by: nullable(text),
  opened_at: nullable(timestamp),
  /** Null while no worker holds it. */
  worker: nullable(text),
  claim_expires_at: nullable(timestamp),
  work: nullable(text),
  submitted_at: nullable(timestamp),
  /** The round of judging, from 1; 0 before. */
  round: integer,
  /** The attempts of all rounds. */
  attempts: integer,
  election_id: nullable(text),
  /** Why the last round had no verdict, and when the clock acts on it; null while none has failed since. */
  judging_failed_why: nullable(textOf(JudgingFault)),
  judging_next_at: nullable(timestamp),
  verdict: nullable(textOf(BountyVerdict)),
  /** The paid model calls of the judges, and their cost. */
  judging_calls: integer,
  judging_micros: bigint,
  paid_micros: bigint,
  /** What returned to the reserve; null before the end. */
  refunded_micros: nullable(bigint),
  /** Why it expired or was cancelled. */
  ended_why: nullable(text),
  ended_at: nullable(timestamp),
  first_position: text,
  last_position: text,
  last_sequence: bigint,
}
export type BountyRow = RowOf<typeof columns>

type RecordedBountyEvent = RecordedEvent<BountyEvent>
type Proposed = Extract<RecordedBountyEvent, { type: 'BountyProposed' }>

/** `read_models.bounties`: one row per bounty, with its worker, its judging, its verdict and its money. */
export const bounties = tableProjection({
  name: 'bounties',
  version: 1,
  columns,
  key: 'bounty_id',
  indexes: [sql`(status, bounty_id)`],
  handles: { ...bountyEvents, ...modelCallEvents },
  keyOf: (event) => (isBountyEvent(event) ? event.stream.slice('bounty/'.length) : null),
  evolve(row, event) {
    if (event.type === 'BountyProposed') {
      if (row) throw new Error(`${event.stream} was proposed twice`)
      return proposed(event)
    }
    if (!row) throw new Error(`${event.type} on ${event.stream}, which was never proposed`)
    return { ...row, ...changes(row, event), last_position: event.position, last_sequence: event.sequence }
  },
})

/** A page of rows, newest first: those before an id, or the first; of one status or of all. */
export const selectBounties = (
  tx: Tx,
  { status, before, limit }: { status: BountyRow['status'] | undefined; before: string | undefined; limit: number },
): Promise<BountyRow[]> =>
  bounties.select(
    tx,
    sql`where true ${status === undefined ? sql`` : sql`and status = ${status}`} ${before === undefined ? sql`` : sql`and bounty_id < ${before}`} order by bounty_id desc limit ${limit}`,
  )

export const selectBounty = async (tx: Tx, bountyId: string): Promise<BountyRow | undefined> =>
  (await bounties.select(tx, sql`where bounty_id = ${bountyId}`))[0]

const timeOf = ({ metadata }: RecordedBountyEvent): string => isoTime(Date.parse(metadata.occurredAt))
const instant = (time: string): string => isoTime(Date.parse(time))

function changes(row: BountyRow, event: Exclude<RecordedBountyEvent, Proposed>): Partial<BountyRow> {
  switch (event.type) {
    case 'BountyOpened':
      return { status: 'open', opened_by: storableText(event.data.by), opened_at: timeOf(event) }
    case 'BountyClaimed':
      return { status: 'claimed', worker: event.data.worker, claim_expires_at: instant(event.data.expiresAt) }
    case 'ClaimExpired':
      return { status: 'open', worker: null, claim_expires_at: null }
    case 'BountyWorkSubmitted':
      return { status: 'submitted', work: storableText(event.data.work), submitted_at: timeOf(event), round: 1 }
    case 'BountyJudgingStarted':
      return { attempts: event.data.attempt, election_id: event.data.electionId }
    case 'BountyJudgingFailed':
      return { judging_failed_why: event.data.why, judging_next_at: instant(event.data.nextAt) }
    case 'BountyJudgingQueued':
      return { round: event.data.round, election_id: null, judging_failed_why: null, judging_next_at: null }
    case 'ModelCallStarted':
      return {}
    case 'ModelCallEnded':
      return { judging_calls: row.judging_calls + 1, judging_micros: row.judging_micros + event.data.costMicros }
    case 'BountyJudged':
      return { status: 'judged', verdict: event.data.verdict }
    case 'BountyAwarded':
      return { ...ended(event), status: 'awarded', paid_micros: event.data.paidMicros }
    case 'BountyRejected':
      return { ...ended(event), status: 'rejected' }
    case 'BountyExpired':
      return { ...ended(event), status: 'expired', ended_why: event.data.why }
    case 'BountyCancelled':
      return { ...ended(event), status: 'cancelled', ended_why: storableText(event.data.reason) }
    default:
      return event satisfies never
  }
}

type Ending = Extract<RecordedBountyEvent, { data: { refundedMicros: number } }>

const ended = (event: Ending): Partial<BountyRow> => ({
  refunded_micros: event.data.refundedMicros,
  ended_at: timeOf(event),
})

const proposed = (event: Proposed): BountyRow => ({
  bounty_id: event.data.bountyId,
  status: 'proposed',
  title: storableText(event.data.title),
  task: storableText(event.data.task),
  criteria: storableText(event.data.criteria),
  reward_micros: event.data.rewardMicros,
  bonus_micros: event.data.bonusMicros,
  deadline: instant(event.data.deadline),
  claim_seconds: event.data.claimSeconds,
  proposed_by: storableText(event.metadata.actor),
  proposed_at: timeOf(event),
  opened_by: null,
  opened_at: null,
  worker: null,
  claim_expires_at: null,
  work: null,
  submitted_at: null,
  round: 0,
  attempts: 0,
  election_id: null,
  judging_failed_why: null,
  judging_next_at: null,
  verdict: null,
  judging_calls: 0,
  judging_micros: 0,
  paid_micros: 0,
  refunded_micros: null,
  ended_why: null,
  ended_at: null,
  first_position: event.position,
  last_position: event.position,
  last_sequence: event.sequence,
})
