import { comparePositions, type Position } from '../../identifiers.ts'
import type { StoredEvent } from '../read/stored-event.ts'

/**
 * What can be wrong with a log as it is stored. Stable, and explained in `docs/errors.md`. Where one event has several faults, the
 * one that stands first here names it.
 */
const logFaults = [
  'other_log', // Redis holds another log than the archive
  'malformed_event', // an entry that is not an event's
  'unknown_event_type',
  'unknown_event_version',
  'mac_missing', // nobody vouches for an event, though others before it are vouched for
  'mac_forged', // the MAC is not of this event, in this place of this log
  'mac_key_unknown', // it was made under a key that is not among ours
  'event_repeated', // the very same event stands in a history twice
  'position_out_of_order',
  'sequence_gap', // one or more events are missing
  'sequence_repeated',
  'revision_gap', // one or more events of the stream are missing
  'revision_repeated',
  'chain_broken', // the event, or one before it, is not what the hash chain was made over
  'seal_differs', // the log is not what a seal was made over
  'seal_forged', // a seal was not made under a sealing key of this log
  'sealing_key_forged', // a sealing key was not introduced by the one before it, or does not go back to the one that was given
  'differs_from_archive', // Redis and the archive hold different texts for one event
  'missing_in_archive', // Redis holds an event that the archive lacks, before the archive's end
  'removed_event', // the archive holds an event that Redis lacks, before Redis' end
  'truncated_tail', // the newest events are missing
  'surplus_event', // an entry that no append has written: its number was never given out
] as const

/** What can be wrong with what is made of a log. */
const derivedFaults = [
  'stream_unknown', // no aggregate has such streams
  'fold_failed', // the events of a stream do not follow each other
  'ledger_unbalanced', // what was debited was not credited
  'state_differs', // what commands decide on is not the fold of the events
  'state_missing',
  'state_surplus', // a state of a stream that has no events, or is finished
  'job_missing', // a stream is not finished, and no worker will ever finish it
  'job_overdue', // a stream is not finished, long after all attempts at it should have ended
  'read_model_differs',
] as const

export const auditFaultCodes = [...logFaults, ...derivedFaults] as const
export type AuditFault = (typeof auditFaultCodes)[number]

/** `position`: of the event that shows the fault, or after which something is missing. */
export type Fault = {
  code: AuditFault
  position: Position
  sequence: number | null
  stream: string | null
  message: string
}

/** What was found: all are counted, the first ones by position are kept. */
export type Faults = {
  report: (fault: Fault) => void
  /** Faults of the log itself, then of what is made of it, which can only be as good; each by position, then by weight. */
  listed: () => readonly Fault[]
  count: () => number
}

/** A fault that one event shows. */
export const faultOf = ({ position, sequence, stream }: StoredEvent, code: AuditFault, message: string): Fault => ({
  code,
  position,
  sequence,
  stream,
  message,
})

const maxListed = 100

export function collectFaults(): Faults {
  const listed: Fault[] = []
  let count = 0
  return {
    report(fault) {
      count++
      const last = listed.at(-1)
      if (listed.length === maxListed && last && compare(last, fault) <= 0) return
      const place = listed.findIndex((other) => compare(other, fault) > 0)
      listed.splice(place < 0 ? listed.length : place, 0, fault)
      if (listed.length > maxListed) listed.pop()
    },
    listed: () => listed,
    count: () => count,
  }
}

const weights = new Map<AuditFault, number>(auditFaultCodes.map((code, index) => [code, index]))
const weightOf = ({ code }: Fault): number => weights.get(code) ?? 0
const isDerived = (fault: Fault): number => (weightOf(fault) < logFaults.length ? 0 : 1)

const compare = (left: Fault, right: Fault): number =>
  isDerived(left) - isDerived(right) ||
  comparePositions(left.position, right.position) ||
  weightOf(left) - weightOf(right)
