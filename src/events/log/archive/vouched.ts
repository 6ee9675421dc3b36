import { comparePositions, type StreamName } from '../../identifiers.ts'
import type { EventMacs } from '../integrity/mac.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { ArchiveCheckpoint, ArchivedEvent } from './archive.ts'
import { chainStart, extendChain, type LogIdentity } from './chain.ts'
import { ArchiveStopped } from './faults.ts'

export type Vouching = {
  identity: LogIdentity
  macs: Pick<EventMacs, 'check'>
  /** Whether anything may be added to a stream: the MACs of its events are over revision `any`. */
  isHistory: (stream: StreamName) => boolean
}

/** Events that may be archived, and why the one behind them may not. */
export type Vouched = { events: ArchivedEvent[]; fault: ArchiveStopped | null }

/** The events that follow a checkpoint, with the chain behind each, up to the first one that may not be archived, and why not. */
export function vouched(vouching: Vouching, from: ArchiveCheckpoint | null, events: readonly StoredEvent[]): Vouched {
  const good: ArchivedEvent[] = []
  let last: Pick<ArchiveCheckpoint, 'sequence' | 'position' | 'chainHead'> | null = from
  for (const event of events) {
    const fault = misplaced(last, event) ?? unvouched(vouching, event)
    if (fault) return { events: good, fault }
    const archived: ArchivedEvent = {
      ...event,
      chainHead: extendChain(last?.chainHead ?? chainStart(vouching.identity), event),
    }
    good.push(archived)
    last = archived
  }
  return { events: good, fault: null }
}

function misplaced(
  last: Pick<ArchiveCheckpoint, 'sequence' | 'position'> | null,
  { sequence, position }: StoredEvent,
): ArchiveStopped | null {
  const expected = (last?.sequence ?? 0) + 1
  if (sequence > expected)
    return new ArchiveStopped('archive_gap', `event number ${expected} is missing: number ${sequence} comes next`, {
      at: position,
    })
  if (sequence < expected)
    return new ArchiveStopped(
      'archive_differs',
      `event number ${sequence} comes behind number ${last?.sequence}, which is archived; the log lost its tail or was written to by others: bin/council restore`,
      { at: position },
    )
  if (last && comparePositions(position, last.position) <= 0)
    return new ArchiveStopped(
      'archive_out_of_order',
      `event number ${sequence} does not stand above ${last.position}, the position of the one before`,
      { at: position },
    )
  return null
}

/** Null for an event that the gate wrote. */
export function unvouched(
  { identity: { incarnation }, macs, isHistory }: Vouching,
  event: StoredEvent,
): ArchiveStopped | null {
  const { stream, sequence, position: at, mac } = event
  const what = `event number ${sequence} on ${stream}`
  if (mac === '')
    return new ArchiveStopped('forged_event', `${what} carries no MAC: it did not come from this council's gate`, {
      at,
    })
  const verdict = macs.check({ ...event, incarnation, revision: isHistory(stream) ? 'any' : event.revision }, mac)
  switch (verdict) {
    case 'genuine':
      return null
    case 'forged':
      return new ArchiveStopped(
        'forged_event',
        `the MAC of ${what} is not genuine: it was changed, moved, or written by somebody else`,
        { at },
      )
    case 'key_unknown':
      return new ArchiveStopped('event_key_unknown', `${what} is vouched for under a key that is not in MAC_KEY_FILE`, {
        at,
      })
    default:
      return verdict satisfies never
  }
}
