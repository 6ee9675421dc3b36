import type { Logger } from '../../../platform/logger.ts'
import { pauseFor, type Pause } from '../../../platform/backoff.ts'
import { messageOf } from '../../../platform/platform-error.ts'
import type { SealEvent } from '../../seals.ts'
import type { StoredEvent } from '../read/stored-event.ts'
import type { Archive, ArchiveCheckpoint } from './archive.ts'
import type { LogIdentity } from './chain.ts'
import { sealEventOf } from './seal-events.ts'
import { sealed, type SealKey } from './seal-key.ts'

export type SealerDependencies = {
  identity: LogIdentity
  key: SealKey
  /** Makes a seal after this many events since the last seal, or when the first of them is this old. */
  everyEvents: number
  everyMs: number
  /** Appends a seal to the log; throws if it was not appended or the outcome is unknown. */
  record: (seal: Extract<SealEvent, { type: 'LogSealed' }>['data']) => Promise<void>
  logger: Logger
  pause?: Pause
}

export type Sealer = {
  /** Must be called with every archived event, in order. */
  archived: (events: readonly StoredEvent[], checkpoint: ArchiveCheckpoint) => void
  status: () => { sealed: number; fault: string | null }
  stop: () => Promise<void>
}

/** The last sealed event, and the newest event that needs a seal; seals need none. */
export type SealedSoFar = { sealedSequence: number; newestSequence: number; checkpoint: ArchiveCheckpoint | null }

const retryMs = 1_000
const tailEvents = 1_000

/** The progress of sealing in an archive. */
export async function sealedSoFar(archive: Pick<Archive, 'checkpoint' | 'read'>): Promise<SealedSoFar> {
  const checkpoint = await archive.checkpoint()
  let sealedSequence = 0
  for await (const [event] of archive.read({ types: ['LogSealed'], direction: 'backward', limit: 1 }))
    sealedSequence = sealOf(event)?.sequence ?? 0
  for await (const events of archive.read({ direction: 'backward', limit: tailEvents }))
    for (const event of events)
      if (!sealEventOf(event)) return { sealedSequence, newestSequence: event.sequence, checkpoint }
  return { sealedSequence, newestSequence: sealedSequence, checkpoint }
}

/** Seals the log as it is archived. Makes no seal if only seals are new. */
export function startSealer(
  { identity, key, everyEvents, everyMs, record, logger, pause = pauseFor }: SealerDependencies,
  from: SealedSoFar,
): Sealer {
  const abort = new AbortController()
  const { signal } = abort
  let { sealedSequence, newestSequence, checkpoint } = from
  let fault: string | null = null
  let sealing: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined

  const look = (): void => {
    if (signal.aborted || sealing) return
    if (newestSequence <= sealedSequence) {
      clearTimeout(timer)
      timer = undefined
    } else if (newestSequence - sealedSequence >= everyEvents) start()
    else timer ??= setTimeout(start, everyMs)
  }
  const start = (): void => {
    clearTimeout(timer)
    timer = undefined
    sealing ??= sealNow().finally(() => {
      sealing = null
      look()
    })
  }
  const sealNow = async (): Promise<void> => {
    if (!checkpoint) return
    const { sequence } = checkpoint
    try {
      await record(sealed(key, identity, checkpoint))
      sealedSequence = Math.max(sealedSequence, sequence)
      fault = null
    } catch (error) {
      fault = messageOf(error)
      logger.warn({ err: error, sequence }, 'the log could not be sealed; trying again')
      await pause(retryMs, signal)
    }
  }
  look()

  return {
    archived(events, reached) {
      checkpoint = reached
      for (const event of events) {
        const seal = sealEventOf(event)
        if (!seal) newestSequence = event.sequence
        else if (seal.type === 'LogSealed') sealedSequence = Math.max(sealedSequence, seal.data.sequence)
      }
      look()
    },
    status: () => ({ sealed: sealedSequence, fault }),
    async stop() {
      abort.abort()
      clearTimeout(timer)
      await sealing
    },
  }
}

function sealOf(event: StoredEvent | undefined): { sequence: number } | null {
  const seal = event && sealEventOf(event)
  return seal?.type === 'LogSealed' ? seal.data : null
}
