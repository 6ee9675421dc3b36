import { comparePositions, type Position } from '../../identifiers.ts'

/**
 * The faults of a stored log. The codes are stable and explained in `docs/errors.md`. If one event has several faults, the first one
 * in this list counts.
 */
const storedLogFaultCodes = [
  'other_log', // Redis holds another log than the archive
  'malformed_event', // an entry that is not an event
  'unknown_event_type',
  'unknown_event_version',
  'mac_missing', // an event has no MAC, though an earlier one has
  'mac_forged', // the MAC does not match this event at this place in this log
  'mac_key_unknown', // the MAC names an unknown key
  'event_repeated', // the same event is in an append-only stream twice
  'position_out_of_order',
  'sequence_gap', // one or more events are missing
  'sequence_repeated',
  'revision_gap', // one or more events of the stream are missing
  'revision_repeated',
  'chain_broken', // the event, or one before it, does not match the hash chain
  'seal_differs', // the log does not match a seal
  'seal_forged', // a seal is not signed by a sealing key of this log
  'sealing_key_forged', // a sealing key is not introduced by the one before it, or does not lead back to the given one
  'differs_from_archive', // Redis and the archive hold different texts for one event
  'missing_in_archive', // Redis holds an event that the archive lacks, before the archive's end
  'removed_event', // the archive holds an event that Redis lacks, before Redis' end
  'truncated_tail', // the newest events are missing
  'surplus_event', // no append wrote the entry: its sequence was never assigned
] as const

/** The faults of data that is derived from the log. */
const derivedDataFaultCodes = [
  'stream_unknown', // no aggregate has this stream
  'fold_failed', // the events of a stream are inconsistent
  'ledger_unbalanced', // debits and credits differ
  'cost_unbalanced', // budgets and ledger disagree on the cost of a model call
  'state_differs', // a stored state is not the fold of its events
  'state_missing',
  'state_surplus', // a state is stored for a stream without events, or for a finished one
  'deadline_differs', // the index of deadlines is not the one that the states lead to
  'job_missing', // an unfinished stream has no job, so no worker will finish it
  'job_overdue', // a stream is unfinished long after all its attempts should have ended
  'read_model_differs',
] as const

export const auditFaultCodes = [...storedLogFaultCodes, ...derivedDataFaultCodes] as const
export type AuditFault = (typeof auditFaultCodes)[number]

/** `position`: the event with the fault, or the last one before a gap. */
export type Fault = {
  code: AuditFault
  position: Position
  sequence: number | null
  stream: string | null
  message: string
}

/** Reports a fault of an event, or of a place in the log. */
export type ReportFault = (
  code: AuditFault,
  at: { position: Position; sequence?: number | null; stream?: string | null },
  message: string,
) => void

/** Collects faults: counts all and keeps the first ones by position. */
export type Faults = {
  report: ReportFault
  /** Faults of the log itself, then of derived data; each by position, then by weight. */
  listed: () => readonly Fault[]
  count: () => number
}

const maxListed = 100

export function collectFaults(): Faults {
  const listed: Fault[] = []
  let count = 0
  return {
    report(code, { position, sequence = null, stream = null }, message) {
      count++
      const fault = { code, position, sequence, stream, message }
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
const isDerived = (fault: Fault): number => (weightOf(fault) < storedLogFaultCodes.length ? 0 : 1)

const compare = (left: Fault, right: Fault): number =>
  isDerived(left) - isDerived(right) ||
  comparePositions(left.position, right.position) ||
  weightOf(left) - weightOf(right)
