import type { Logger } from '../../../platform/logger.ts'
import { supervise, type Pause } from '../../../platform/backoff.ts'
import { messageOf } from '../../../platform/platform-error.ts'
import { beginning, type Position } from '../../identifiers.ts'
import type { OutageCode } from '../../../platform/outage.ts'
import { UnreadableEvent, type EventFaultCode } from '../../upcast.ts'
import type { HotLog } from '../read/hot-log.ts'
import { watchHead } from '../read/watch-head.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { StoredLog } from '../read/stored-log.ts'
import type { Archive, ArchiveCheckpoint } from './archive.ts'
import { archivePage, assertContinues, ownCheckpoint } from './archive-page.ts'
import { ArchiveStopped, type ArchiveFaultCode } from './archive-stopped.ts'
import type { ArchiveProgress } from './progress.ts'
import type { Authentication } from './authenticate.ts'

export type ArchiverDependencies = {
  hot: HotLog
  follow: StoredLog['followHotLog']
  archive: Archive
  progress: ArchiveProgress
  authentication: Authentication
  /** Called with all events in order, once any archiver has archived them. */
  onArchived?: (events: readonly StoredEvent[], checkpoint: ArchiveCheckpoint) => void
  logger: Logger
  /** Resolves after a time or when the signal aborts. Replaced in tests. */
  pause?: Pause
}

export type ArchiverStatus = {
  /** `waiting`: a store is unreachable; the archiver retries. `stopped`: an operator must follow `message`. */
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
  /** Resolves when the event at a position is archived. `given_up`: the signal aborted first; `stopped`: this archiver stopped first. */
  waitFor: (position: Position, signal: AbortSignal) => Promise<'reached' | 'given_up' | 'stopped'>
  /** Resolves when the archiver follows the log, or has ended. */
  started: Promise<unknown>
  /** Resolves when the archiver has ended, by `stop` or at a fault. */
  done: Promise<void>
  stop: () => Promise<void>
}

/**
 * Copies a council's log to its archive as it grows, and authenticates every event. Returns at once; waits while Redis or Postgres is
 * unreachable. Archives everything before a faulty event, then stops. Two archivers at once are harmless, because each batch is a
 * compare-and-set.
 */
export function startArchiver(dependencies: ArchiverDependencies): Archiver {
  const { hot, progress } = dependencies
  const abort = new AbortController()
  const status: ArchiverState = { state: 'waiting', fault: undefined }
  const head = watchHead(async () => (await hot.edge()).sequence)
  const started = Promise.withResolvers<undefined>()
  const done = keepArchiving(dependencies, status, () => started.resolve(undefined), abort.signal).finally(head.stop)

  return {
    status() {
      const { sequence, position } = progress.latest() ?? { sequence: 0, position: beginning }
      return { state: status.state, sequence, position, lag: Math.max(0, head.sequence() - sequence), ...status.fault }
    },
    async waitFor(position, signal) {
      const over = new AbortController()
      const ended = done.then(() => over.abort())
      if (await progress.whenArchived(position, AbortSignal.any([signal, over.signal]))) return 'reached'
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

type ArchiverState = {
  state: ArchiverStatus['state']
  fault: { code: ArchiveFaultCode | EventFaultCode | OutageCode; message: string } | undefined
}

async function keepArchiving(
  dependencies: ArchiverDependencies,
  status: ArchiverState,
  onStarted: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { logger, pause } = dependencies
  await supervise(
    {
      pause,
      run: (progressed) =>
        archiveLog(dependencies, signal, () => {
          Object.assign(status, { state: 'running', fault: undefined })
          progressed()
          onStarted()
        }),
      onFailure(error, pauseMs) {
        const message = messageOf(error)
        if (error instanceof ArchiveStopped || error instanceof UnreadableEvent) {
          Object.assign(status, { state: 'stopped', fault: { code: error.code, message } })
          logger.error({ err: error, code: error.code, at: error.at }, 'the archiver stopped')
          return 'stop'
        }
        Object.assign(status, { state: 'waiting', fault: { code: 'store_unreachable', message } })
        logger.warn({ err: error, pauseMs }, 'a store is unreachable; the archiver retries')
        return 'retry'
      },
    },
    signal,
  )
}

async function archiveLog(
  { hot, follow, archive, progress, authentication, onArchived }: ArchiverDependencies,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<void> {
  let current = await ownCheckpoint(archive, authentication.identity)
  if (current) progress.reached(current)
  await assertContinues(hot, archive, authentication.identity, current)
  onProgress()
  for await (const page of follow(current?.position ?? beginning, signal)) {
    for await (const { events, checkpoint } of archivePage(archive, authentication, current, page)) {
      current = checkpoint
      progress.reached(checkpoint)
      onArchived?.(events, checkpoint)
      onProgress()
    }
  }
}
