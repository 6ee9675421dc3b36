import type { Logger } from '../../../platform/logger.ts'
import { supervise, type Pause } from '../../../platform/backoff.ts'
import { messageOf } from '../../../platform/platform-error.ts'
import { beginning, type Position } from '../../identifiers.ts'
import type { OutageCode } from '../../../platform/outage.ts'
import { UnreadableEvent, type EventFaultCode } from '../../upcast.ts'
import type { HotLog } from '../read/hot-log.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { StoredLog } from '../read/stored-log.ts'
import type { Archive, ArchiveCheckpoint } from './archive.ts'
import { archivePage, assertContinues, ownCheckpoint } from './archive-page.ts'
import { ArchiveStopped, type ArchiveFaultCode } from './faults.ts'
import type { ArchiveProgress } from './progress.ts'
import type { Vouching } from './vouched.ts'

export type ArchiverDependencies = {
  hot: HotLog
  follow: StoredLog['followHotLog']
  archive: Archive
  progress: ArchiveProgress
  vouching: Vouching
  /** Called with all events in order, once they are archived, whoever has done it. */
  onArchived?: (events: readonly StoredEvent[], checkpoint: ArchiveCheckpoint) => void
  logger: Logger
  /** Waits, or less when the signal aborts. Replaced in tests. */
  pause?: Pause
}

export type ArchiverStatus = {
  /** `waiting`: a store is away; it goes on by itself. `stopped`: somebody must do what `message` says. */
  state: 'running' | 'waiting' | 'stopped'
  /** The newest archived event; 0 before the first. */
  sequence: number
  position: Position
  /** Events in the log that are not archived yet. */
  lag: number
  code?: ArchiveFaultCode | EventFaultCode | OutageCode
  message?: string
}

export type Archiver = {
  status: () => ArchiverStatus
  /** Resolves when the event at a position is archived. `given_up`: the signal aborted first; `stopped`: this archiver will not get there. */
  waitFor: (position: Position, signal: AbortSignal) => Promise<'reached' | 'given_up' | 'stopped'>
  /** Resolves when it has begun to follow the log, or has ended. */
  started: Promise<unknown>
  /** Resolves when it has ended, by `stop` or at a fault. */
  done: Promise<void>
  stop: () => Promise<void>
}

const headIntervalMs = 1_000

/**
 * Copies a council's log to its archive as it grows, event by event, each vouched for, without a gap. Returns at once; while
 * Redis or Postgres is away it waits. At an event that may not be archived it stops, with everything before it in. Two
 * at once are harmless: each batch goes in by compare-and-set.
 */
export function startArchiver(dependencies: ArchiverDependencies): Archiver {
  const { hot, progress } = dependencies
  const abort = new AbortController()
  const life: Life = { state: 'waiting', fault: undefined }
  let head = 0
  let looking = false
  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    // While Redis is away the last known head stands.
    head = await hot.edge().then(
      ({ sequence }) => sequence,
      () => head,
    )
    looking = false
  }
  const timer = setInterval(() => void look(), headIntervalMs)
  timer.unref()
  const started = Promise.withResolvers<undefined>()
  const done = keepArchiving(dependencies, life, () => started.resolve(undefined), abort.signal).finally(() =>
    clearInterval(timer),
  )

  return {
    status() {
      const { sequence, position } = progress.latest() ?? { sequence: 0, position: beginning }
      return { state: life.state, sequence, position, lag: Math.max(0, head - sequence), ...life.fault }
    },
    async waitFor(position, signal) {
      const over = new AbortController()
      const ended = done.then(() => over.abort())
      if (await progress.waitFor(position, AbortSignal.any([signal, over.signal]))) return 'reached'
      if (!over.signal.aborted) return 'given_up'
      await ended
      return 'stopped'
    },
    started: Promise.race([started.promise, done]),
    done,
    async stop() {
      abort.abort()
      await done
    },
  }
}

type Life = {
  state: ArchiverStatus['state']
  fault: { code: ArchiveFaultCode | EventFaultCode | OutageCode; message: string } | undefined
}

async function keepArchiving(
  dependencies: ArchiverDependencies,
  life: Life,
  onStarted: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { logger, pause } = dependencies
  await supervise(
    {
      pause,
      run: (progressed) =>
        archiveLog(dependencies, signal, () => {
          Object.assign(life, { state: 'running', fault: undefined })
          progressed()
          onStarted()
        }),
      onFailure(error, pauseMs) {
        const message = messageOf(error)
        if (error instanceof ArchiveStopped || error instanceof UnreadableEvent) {
          Object.assign(life, { state: 'stopped', fault: { code: error.code, message } })
          logger.error({ err: error, code: error.code, at: error.at }, 'the archiver stopped')
          return 'stop'
        }
        Object.assign(life, { state: 'waiting', fault: { code: 'store_unreachable', message } })
        logger.warn({ err: error, pauseMs }, 'the archiver waits')
        return 'retry'
      },
    },
    signal,
  )
}

async function archiveLog(
  { hot, follow, archive, progress, vouching, onArchived }: ArchiverDependencies,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<void> {
  let current = await ownCheckpoint(archive, vouching.identity)
  if (current) progress.reached(current)
  await assertContinues(hot, archive, vouching.identity, current)
  onProgress()
  for await (const page of follow(current?.position ?? beginning, signal)) {
    for await (const { events, checkpoint } of archivePage(archive, vouching, current, page)) {
      current = checkpoint
      progress.reached(checkpoint)
      onArchived?.(events, checkpoint)
      onProgress()
    }
  }
}
