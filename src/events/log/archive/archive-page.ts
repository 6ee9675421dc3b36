import { isDeepStrictEqual } from 'node:util'
import { beginning, comparePositions, justBefore } from '../../identifiers.ts'
import type { HotLog } from '../read/hot-log.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { Archive, ArchiveCheckpoint, ArchivedEvent } from './archive.ts'
import type { LogIdentity } from './chain.ts'
import { ArchiveStopped } from './archive-stopped.ts'
import { authenticate, type Authenticated, type Authentication } from './authenticate.ts'

/** The most text in one transaction; a single larger event gets a transaction of its own. */
const maxBatchCharacters = 4_000_000

/** The checkpoint of this log's archive; null at the beginning. Throws ArchiveStopped if the archive is of another log. */
export async function ownCheckpoint(
  archive: Pick<Archive, 'checkpoint'>,
  { councilId, incarnation }: LogIdentity,
): Promise<ArchiveCheckpoint | null> {
  const checkpoint = await archive.checkpoint()
  if (checkpoint && (checkpoint.councilId !== councilId || checkpoint.incarnation !== incarnation))
    throw new ArchiveStopped(
      'archive_of_another_log',
      `this database holds the archive of the council "${checkpoint.councilId}", incarnation ${checkpoint.incarnation}, not of "${councilId}", ${incarnation}: every log needs a database of its own`,
    )
  return checkpoint
}

/** Throws ArchiveStopped if Redis holds another log, or lost or changed the newest archived event. */
export async function assertContinues(
  hot: HotLog,
  archive: Archive,
  { incarnation }: LogIdentity,
  checkpoint: ArchiveCheckpoint | null,
): Promise<void> {
  const edge = await hot.edge()
  if (edge.incarnation !== incarnation)
    throw new ArchiveStopped(
      'archive_of_another_log',
      `Redis holds ${edge.incarnation ? `another log (incarnation ${edge.incarnation})` : 'no log any more'}: bin/council restore`,
    )
  if (!checkpoint) return
  if (edge.sequence < checkpoint.sequence)
    throw new ArchiveStopped(
      'archive_differs',
      `the archive has ${checkpoint.sequence} events, Redis only ${edge.sequence}: bin/council restore`,
      { at: checkpoint.position },
    )
  if (edge.oldest && comparePositions(edge.oldest.position, checkpoint.position) <= 0)
    await assertSame(hot, archive, checkpoint)
}

/** The newest archived event must still be in the log, byte for byte. */
async function assertSame(hot: HotLog, archive: Archive, { position, sequence }: ArchiveCheckpoint): Promise<void> {
  const range = { after: justBefore(position), upTo: position }
  const [inLog] = await hot.page(range)
  for await (const [archived] of archive.read(range)) {
    if (!archived) continue
    const { chainHead: _, ...event } = archived
    if (isDeepStrictEqual(event, inLog)) return
  }
  // The event may just have been trimmed.
  const { oldest } = await hot.edge()
  if (!inLog && oldest && comparePositions(oldest.position, position) > 0) return
  throw new ArchiveStopped(
    'archive_differs',
    `event number ${sequence} is archived, but Redis has ${inLog ? 'another one' : 'none'} in its place: bin/council restore`,
    { at: position },
  )
}

/** Events that are archived now, by this archiver or another one, and the checkpoint. */
export type Archived = { events: readonly StoredEvent[]; checkpoint: ArchiveCheckpoint }

/**
 * Archives the page of events after a checkpoint in transactions of bounded size; yields after each one. Archives everything before
 * the first faulty event, then throws ArchiveStopped.
 */
export async function* archivePage(
  archive: Archive,
  authentication: Authentication,
  from: ArchiveCheckpoint | null,
  page: readonly StoredEvent[],
): AsyncGenerator<Archived> {
  let current = from
  let rest = page
  while (rest.length > 0) {
    const known = rest.slice(0, countKnown(rest, current))
    if (known.length > 0 && current) {
      yield { events: known, checkpoint: current }
      rest = rest.slice(known.length)
      continue
    }
    const { events, fault } = await onceOnly(
      archive,
      authentication,
      current?.sequence ?? 0,
      authenticate(authentication, current, rest.slice(0, countWithin(rest, maxBatchCharacters))),
    )
    if (fault && events.length === 0) throw fault
    const checkpoint = await added(archive, authentication.identity, current, events)
    if (!checkpoint) {
      // Another archiver was faster: continue after its events.
      current = await movedOn(archive, authentication.identity, current)
      continue
    }
    const count = checkpoint.sequence - (current?.sequence ?? 0)
    current = checkpoint
    yield { events: rest.slice(0, count), checkpoint }
    rest = rest.slice(count)
  }
}

/** The number of leading events that another archiver has archived in between. */
function countKnown(events: readonly StoredEvent[], current: ArchiveCheckpoint | null): number {
  if (!current) return 0
  const next = events.findIndex(
    ({ sequence, position }) => sequence > current.sequence || comparePositions(position, current.position) > 0,
  )
  return next < 0 ? events.length : next
}

function countWithin(events: readonly StoredEvent[], characters: number): number {
  let left = characters
  const over = events.findIndex(({ data, metadata }, index) => (left -= data.length + metadata.length) < 0 && index > 0)
  return over < 0 ? events.length : over
}

/**
 * On an append-only stream the MAC does not cover the revision, so a copy of an event would pass. Rejects events whose MAC the stream
 * has already. Compares with earlier events only, because another archiver may just have added these.
 */
async function onceOnly(
  archive: Archive,
  { isAppendOnly }: Authentication,
  archivedSequence: number,
  { events, fault }: Authenticated,
): Promise<Authenticated> {
  const appendOnlyEvents = events.filter(({ stream }) => isAppendOnly(stream))
  if (appendOnlyEvents.length === 0) return { events, fault }
  const seen = new Set(
    await archive.macsIn(
      [...new Set(appendOnlyEvents.map(({ stream }) => stream))],
      appendOnlyEvents.map(({ mac }) => mac),
      archivedSequence,
    ),
  )
  for (const [index, { stream, sequence, mac, position: at }] of events.entries()) {
    if (!isAppendOnly(stream)) continue
    if (seen.has(mac))
      return {
        events: events.slice(0, index),
        fault: new ArchiveStopped(
          'forged_event',
          `event number ${sequence} repeats the MAC of another one on ${stream}: it was copied there`,
          { at },
        ),
      }
    seen.add(mac)
  }
  return { events, fault }
}

/** Adds events up to the first that contradicts the archive. Null: another archiver has moved the checkpoint. */
async function added(
  archive: Archive,
  identity: LogIdentity,
  from: ArchiveCheckpoint | null,
  events: readonly ArchivedEvent[],
): Promise<ArchiveCheckpoint | null> {
  try {
    if (!(await archive.add(from, identity, events))) return null
  } catch (error) {
    if (!isContradiction(error)) throw error
    const [event] = events
    if (events.length > 1) return added(archive, identity, from, events.slice(0, events.length >> 1))
    throw new ArchiveStopped(
      'archive_differs',
      `event number ${event?.sequence} contradicts the archive: ${error.detail ?? error.message}`,
      { at: event?.position, cause: error },
    )
  }
  const last = events.at(-1)
  return last
    ? {
        ...identity,
        sequence: last.sequence,
        position: last.position,
        chainHead: last.chainHead,
        trimmed: from?.trimmed ?? { sequence: 0, position: beginning },
      }
    : null
}

async function movedOn(
  archive: Archive,
  identity: LogIdentity,
  from: ArchiveCheckpoint | null,
): Promise<ArchiveCheckpoint> {
  const checkpoint = await ownCheckpoint(archive, identity)
  if (checkpoint && checkpoint.sequence > (from?.sequence ?? 0)) return checkpoint
  throw new ArchiveStopped(
    'archive_differs',
    `the archive went back from number ${from?.sequence} to ${checkpoint?.sequence ?? 0} while it was written to`,
    { at: from?.position },
  )
}

/** Two events share a sequence, a position, or a stream and revision. */
const uniqueViolation = '23505'
const isContradiction = (error: unknown): error is Error & { detail?: string } =>
  error instanceof Error && 'code' in error && error.code === uniqueViolation
