import { comparePositions, type Position } from '../../identifiers.ts'
import type { KnownLog } from '../append/append.ts'
import type { Durability } from '../integrity/durability.ts'
import type { AppendResult, EventLog } from '../log.ts'
import type { Archive } from './archive.ts'
import type { ArchiveProgress } from './progress.ts'

export type ArchivedAppendsOptions = {
  /** Whose connection may be to another server whenever it was closed, or a cluster has got another node. */
  redis: { on: (event: string, listener: () => void) => unknown }
  /** What the log names in every append: raised here to what the archive has. */
  known: KnownLog
  archive: Pick<Archive, 'checkpoint'>
  progress: ArchiveProgress
  durability: Durability
  /** How long an append waits for its archiver, wherever that runs. */
  archivedWithinMs?: number
}

/** With `fsync`, appends wait for the archive no longer than this, and after that not again for the pause: Postgres may be silent for long. */
const lookWithinMs = 1_500
const lookPauseMs = 10_000

/**
 * Appends that know what the archive has: a Redis with less than that is never written to, whoever wrote the rest. With
 * `archived` an append's result is handed on only when the archive has its events too, also those of commands that were done
 * before; otherwise it throws, and nobody knows the outcome yet.
 */
export function archivedAppends<Log extends EventLog>(
  log: Log,
  { redis, known, archive, progress, durability, archivedWithinMs = 5_000 }: ArchivedAppendsOptions,
): Log {
  // Counts connections: what was seen on one says nothing of the next.
  let connection = 0
  let lookedOn = -1
  let waitAgainAtMs = -Infinity
  const forget = (): void => {
    connection++
    waitAgainAtMs = -Infinity
  }
  redis.on('close', forget)
  redis.on('+node', forget)

  async function look(): Promise<void> {
    // With `archived` others may have had events acknowledged that a failed-over Redis lacks: the archive is asked every time.
    if (durability === 'memory' || (lookedOn === connection && durability === 'fsync')) return
    if (durability === 'fsync' && performance.now() < waitAgainAtMs) return
    const on = connection
    const looking = archive.checkpoint().then((checkpoint) => {
      if (checkpoint) progress.reached(checkpoint)
      lookedOn = on
    })
    if (durability === 'archived') return looking
    // Without the archive, what this process has seen is all it knows; with fsync that need not stop it.
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), lookWithinMs)
    await Promise.race([looking.catch(() => undefined), late.promise])
    clearTimeout(timer)
    if (lookedOn !== connection) waitAgainAtMs = performance.now() + lookPauseMs
  }

  return {
    ...log,
    async append(request) {
      await look()
      if (durability !== 'memory') known.sequence = Math.max(known.sequence, progress.latest()?.sequence ?? 0)
      const result = await log.append(request)
      const newest = durability === 'archived' ? newestOf(result) : undefined
      if (newest && !(await progress.waitFor(newest, AbortSignal.timeout(archivedWithinMs))))
        throw new Error(
          `the event at ${newest} was not archived within ${archivedWithinMs} ms: is an archiver running?`,
        )
      return result
    },
  }
}

function newestOf(result: AppendResult): Position | undefined {
  if (result.result === 'appended') return result.positions.at(-1)
  if (result.result !== 'duplicate') return undefined
  return result.known
    .map(({ last }) => last)
    .toSorted(comparePositions)
    .at(-1)
}
