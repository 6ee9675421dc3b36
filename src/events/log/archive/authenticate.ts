import { comparePositions, type StreamName } from '../../identifiers.ts'
import type { EventMacs } from '../integrity/mac.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { ArchiveCheckpoint, ArchivedEvent } from './archive.ts'
import { chainStart, extendChain, type LogIdentity } from './chain.ts'
import { ArchiveStopped } from './archive-stopped.ts'

export type Authentication = {
  identity: LogIdentity
  macs: Pick<EventMacs, 'check'>
  /** Whether a stream is append-only: the MACs of its events cover the revision `any`. */
  isAppendOnly: (stream: StreamName) => boolean
}

/** Authentic events with their chain heads, and the fault of the event after them. */
export type Authenticated = { events: ArchivedEvent[]; fault: ArchiveStopped | null }

/** Checks the events after a checkpoint and extends the chain, up to the first faulty event. */
export function authenticate(
  authentication: Authentication,
  from: ArchiveCheckpoint | null,
  events: readonly StoredEvent[],
): Authenticated {
  const good: ArchivedEvent[] = []
  let last: Pick<ArchiveCheckpoint, 'sequence' | 'position' | 'chainHead'> | null = from
  for (const event of events) {
    const fault = misplaced(last, event) ?? authenticityFault(authentication, event)
    if (fault) return { events: good, fault }
    const archived: ArchivedEvent = {
      ...event,
      chainHead: extendChain(last?.chainHead ?? chainStart(authentication.identity), event),
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
      `event number ${sequence} comes after the archived number ${last?.sequence}; the log lost its tail, or another program wrote to it: bin/council restore`,
      { at: position },
    )
  if (last && comparePositions(position, last.position) <= 0)
    return new ArchiveStopped(
      'archive_out_of_order',
      `the position of event number ${sequence} is not above ${last.position}, the position before it`,
      { at: position },
    )
  return null
}

/** Null for an event with a genuine MAC. */
export function authenticityFault(
  { identity: { incarnation }, macs, isAppendOnly }: Authentication,
  event: StoredEvent,
): ArchiveStopped | null {
  const { stream, sequence, position: at, mac } = event
  const what = `event number ${sequence} on ${stream}`
  if (mac === '')
    return new ArchiveStopped('forged_event', `${what} carries no MAC: it did not come from this council's gate`, {
      at,
    })
  const verdict = macs.check({ ...event, incarnation, revision: isAppendOnly(stream) ? 'any' : event.revision }, mac)
  switch (verdict) {
    case 'genuine':
      return null
    case 'forged':
      return new ArchiveStopped(
        'forged_event',
        `the MAC of ${what} is not genuine: the event was changed, moved, or written by another program`,
        { at },
      )
    case 'key_unknown':
      return new ArchiveStopped('event_key_unknown', `the MAC of ${what} names a key that is not in MAC_KEY_FILE`, {
        at,
      })
    default:
      return verdict satisfies never
  }
}
