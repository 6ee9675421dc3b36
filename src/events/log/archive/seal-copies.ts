import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '../../../platform/logger.ts'
import { supervise, type Pause } from '../../../platform/backoff.ts'
import { messageOf } from '../../../platform/platform-error.ts'
import { beginning, justBefore, type Position } from '../../identifiers.ts'
import type { SealEvent } from '../../seals.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { Archive } from './archive.ts'
import type { LogIdentity } from './chain.ts'
import { ArchiveStopped, type ArchiveFaultCode } from './archive-stopped.ts'
import { sealEventOf, sealTypes } from './seal-events.ts'
import { sealLine, type SealLine, type SealsOut } from './seals-file.ts'

export type SealCopiesDependencies = {
  identity: LogIdentity
  archive: Pick<Archive, 'read' | 'checkpoint'>
  out: SealsOut
  logger: Logger
  pause?: Pause
}

export type SealCopies = {
  /** Wakes the copier after seals may have been archived. */
  look: () => void
  /** The current fault; null if there is none. */
  fault: () => { code: ArchiveFaultCode; message: string } | null
  stop: () => Promise<void>
}

/**
 * Copies every archived, and so durable, seal. Continues after the last copy, also after a crash. Stops with a fault if the log does
 * not have the last copied seal.
 */
export function startSealCopies({ identity, archive, out, logger, pause }: SealCopiesDependencies): SealCopies {
  const abort = new AbortController()
  const { signal } = abort
  let fault: { code: ArchiveFaultCode; message: string } | null = null
  let wake = Promise.withResolvers<undefined>()
  const look = (): void => wake.resolve(undefined)
  const copy = async (after: Position): Promise<Position> => {
    let copied = after
    for await (const events of archive.read({ types: sealTypes, after })) {
      out.append(events.flatMap((event) => linesOf(identity, event)))
      copied = events.at(-1)?.position ?? copied
    }
    return copied
  }

  let copied: Position | undefined
  const done = supervise(
    {
      pause,
      async run(progressed) {
        wake = Promise.withResolvers<undefined>()
        copied = await copy(copied ?? (await lastCopied(identity, archive, out)))
        fault = null
        progressed()
        if (!signal.aborted) await wake.promise
      },
      onFailure(error, pauseMs) {
        fault = { code: error instanceof ArchiveStopped ? error.code : 'seals_not_written', message: messageOf(error) }
        if (error instanceof ArchiveStopped) {
          logger.error({ err: error, code: error.code }, 'seals are no longer copied')
          return 'stop'
        }
        logger.warn({ err: error, pauseMs }, 'seals could not be copied; trying again')
        return 'retry'
      },
    },
    signal,
  )

  return {
    look,
    fault: () => fault,
    async stop() {
      abort.abort()
      look()
      await done
    },
  }
}

/** The position of the last copied seal. */
async function lastCopied(
  identity: LogIdentity,
  archive: SealCopiesDependencies['archive'],
  out: SealsOut,
): Promise<Position> {
  if (out.keepsNothing) return newestAgain(identity, archive, out)
  const last = out.last()
  if (!last) return beginning
  const { position, sequence } = last.event
  const checkpoint = await archive.checkpoint()
  if (last.incarnation === identity.incarnation && (checkpoint?.sequence ?? 0) < sequence)
    throw new Error(
      `the last seal in SEALS_FILE is event number ${sequence}, the archive is at ${checkpoint?.sequence ?? 0}`,
    )
  for await (const [event] of archive.read({ after: justBefore(position), upTo: position }))
    if (event && isDeepStrictEqual(linesOf(identity, event), [last])) return position
  throw new ArchiveStopped(
    'seals_differ',
    `the last seal in SEALS_FILE (event number ${sequence}) is not in this log: the log was replaced or lost its tail, or the file is of another log`,
    { at: position },
  )
}

/** For an output that cannot be read back: copies the key of the newest seal, and returns the position before that seal. */
async function newestAgain(
  identity: LogIdentity,
  archive: SealCopiesDependencies['archive'],
  out: SealsOut,
): Promise<Position> {
  const newest = async (type: SealEvent['type']): Promise<StoredEvent | undefined> => {
    for await (const [event] of archive.read({ types: [type], direction: 'backward', limit: 1 })) return event
    return undefined
  }
  const [key, seal] = [await newest('SealingKeyIntroduced'), await newest('LogSealed')]
  if (!key || !seal || key.sequence > seal.sequence) return seal ? justBefore(seal.position) : beginning
  out.append(linesOf(identity, key))
  return justBefore(seal.position)
}

const linesOf = (identity: LogIdentity, event: StoredEvent): SealLine[] => {
  const seal = sealEventOf(event)
  return seal ? [sealLine(identity, seal)] : []
}
