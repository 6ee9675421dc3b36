import { beginning, comparePositions, type Position } from '../../identifiers.ts'
import type { Archive, ArchiveCheckpoint, ArchivedEvent } from '../archive/archive.ts'
import type { FoldOf } from '../folds.ts'
import type { EventMacs } from '../integrity/mac.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import { firstDifference, type HotEntry, type JoinedRow } from './merge-join.ts'
import { isGenuine } from './authenticity.ts'
import type { ReportFault } from './audit-faults.ts'

/** The metadata of the log on Redis and its newest entry, read atomically. */
export type HotEnd = { incarnation: string | null; sequence: number; position: Position; halted: string | null }

export type StoresUnderAudit = {
  archive: Archive | null
  checkpoint: ArchiveCheckpoint | null
  hot: HotEnd
  macs: EventMacs | null
  foldOf: FoldOf
  report: ReportFault
}

export type StoreComparison = {
  look: (rows: readonly JoinedRow[]) => Promise<void>
  /** Must be called last, with the end of the whole log. */
  atEnd: (end: { position: Position; sequence: number }) => void
}

/** Checks that archive and Redis agree. Redis may be ahead of the archive, and may have been trimmed. */
export function compareStores(stores: StoresUnderAudit): StoreComparison {
  const { archive, checkpoint, hot, report } = stores
  const isSameLog = !checkpoint || checkpoint.incarnation === hot.incarnation
  let trimmed = checkpoint?.trimmed.position ?? beginning
  let lastArchived: ArchivedEvent | null = null

  const same = (archived: ArchivedEvent, event: StoredEvent): void => {
    const field = firstDifference(archived, event)
    if (field === undefined) return
    const who = `by their MACs the archive's event is ${verdictOn(archived, stores)} and the one in Redis ${verdictOn(event, stores)}`
    report(
      'differs_from_archive',
      archived,
      `Redis and the archive differ at ${archived.position}, first in ${field}; ${who}`,
    )
  }
  const lacking = (event: ArchivedEvent): void => {
    const isTail = comparePositions(event.position, hot.position) > 0
    const message = `event number ${event.sequence} (${event.type} at ${event.position}) is in the archive, but not in Redis${isTail ? ', which ends before it' : ''}`
    report(isTail ? 'truncated_tail' : 'removed_event', event, message)
  }
  const notArchived = (event: StoredEvent): void => {
    const { sequence, type, position } = event
    if (checkpoint && comparePositions(position, checkpoint.position) <= 0)
      report(
        'missing_in_archive',
        event,
        `event number ${sequence} (${type} at ${position}) is in Redis, but not in the archive, which continues after it`,
      )
    else if (sequence > hot.sequence)
      report(
        'surplus_event',
        event,
        `${type} at ${position} has the number ${sequence}, but only ${hot.sequence} were assigned`,
      )
  }
  const isBeyondTrim = ({ archived, hot: entry }: JoinedRow): boolean =>
    archived !== null && !entry && comparePositions(archived.position, trimmed) > 0

  return {
    async look(rows) {
      // Redis may have been trimmed in between; the archive records a trim before it happens.
      if (isSameLog && rows.some(isBeyondTrim)) trimmed = (await archive?.checkpoint())?.trimmed.position ?? trimmed
      for (const row of rows) {
        const { archived, hot: entry } = row
        lastArchived = archived ?? lastArchived
        if (entry === 'same') continue
        if (entry) reportProblem(entry, report)
        if (archived && entry?.event) same(archived, entry.event)
        else if (archived && isSameLog && isBeyondTrim(row)) lacking(archived)
        else if (!archived && entry?.event) notArchived(entry.event)
      }
    },
    atEnd({ position, sequence }) {
      if (checkpoint && (lastArchived?.sequence ?? 0) < checkpoint.sequence) {
        const message = `the archive was at number ${checkpoint.sequence} (${checkpoint.position}), but ends at ${lastArchived?.sequence ?? 0}`
        report('truncated_tail', { position: checkpoint.position, sequence }, message)
      } else if (checkpoint && !lastArchived?.chainHead.equals(checkpoint.chainHead)) {
        const message = `the archive's checkpoint at ${checkpoint.position} has another chain head than its newest event`
        report('chain_broken', { position: checkpoint.position, sequence }, message)
      }
      if (isSameLog && sequence < hot.sequence)
        report(
          'truncated_tail',
          { position, sequence },
          `${hot.sequence} events were acknowledged, but the log ends with number ${sequence} at ${position}`,
        )
    },
  }
}

/** The verdict of an event's MAC. */
function verdictOn(event: StoredEvent, { checkpoint, macs, foldOf }: StoresUnderAudit): string {
  if (!macs || !checkpoint) return 'unknown'
  const isAppendOnly = foldOf(event.stream)?.appendOnly ?? false
  return isGenuine(event, checkpoint.incarnation, macs, isAppendOnly) === 'genuine' ? 'genuine' : 'not genuine'
}

/** Reports an entry that is not an event. */
export const reportProblem = ({ position, problem }: HotEntry, report: ReportFault): void => {
  if (problem) report(problem.code, { position }, problem.message)
}
