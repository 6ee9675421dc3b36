import { setTimeout as delay } from 'node:timers/promises'
import { comparePositions, type Position } from '../../identifiers.ts'
import type { Archive } from './archive.ts'

type Reached = { sequence: number; position: Position }

/** The progress of the archive, as far as this process knows. */
export type ArchiveProgress = {
  latest: () => Reached | null
  /** Called by an archiver in this process, or after reading the checkpoint. */
  reached: (checkpoint: Reached) => void
  /** Resolves to true once any archiver has archived the event at a position, to false if the signal aborts first. */
  whenArchived: (position: Position, signal: AbortSignal) => Promise<boolean>
}

const pollMs = 20

/** Polls the archive only while a caller waits, and continues while Postgres is unreachable. */
export function archiveProgress(archive: Pick<Archive, 'checkpoint'>): ArchiveProgress {
  let latest: Reached | null = null
  const changed = new Set<() => void>()
  let looking = false

  const reached = (checkpoint: Reached): void => {
    if (latest && latest.sequence >= checkpoint.sequence) return
    latest = { sequence: checkpoint.sequence, position: checkpoint.position }
    for (const look of [...changed]) look()
  }
  const keepLooking = async (): Promise<void> => {
    if (looking) return
    looking = true
    while (changed.size > 0) {
      const checkpoint = await archive.checkpoint().catch(() => null)
      if (checkpoint) reached(checkpoint)
      if (changed.size > 0) await delay(pollMs)
    }
    looking = false
  }

  return {
    latest: () => latest,
    reached,
    whenArchived: (position, signal) =>
      new Promise((resolve) => {
        const settle = (isThere: boolean) => {
          changed.delete(look)
          signal.removeEventListener('abort', look)
          resolve(isThere)
        }
        const look = () => {
          if (latest && comparePositions(latest.position, position) >= 0) settle(true)
          else if (signal.aborted) settle(false)
        }
        changed.add(look)
        signal.addEventListener('abort', look)
        look()
        void keepLooking()
      }),
  }
}
