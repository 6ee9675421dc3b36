import { comparePositions, type Position } from '../../identifiers.ts'
import type { KnownLog } from '../append/append.ts'
import type { Durability } from '../integrity/durability.ts'
import type { AppendResult, EventLog } from '../log.ts'
import type { Archive } from './archive.ts'
import type { ArchiveProgress } from './progress.ts'

export type ArchivedAppendsOptions = {
  /** Emits `close` and `+node`, after which the connection may lead to another server. */
  redis: { on: (event: string, listener: () => void) => unknown }
  /** The known sequence, sent with every append and raised here to the archive's. */
  known: KnownLog
  archive: Pick<Archive, 'checkpoint'>
  progress: ArchiveProgress
  durability: Durability
  /** The longest wait of an append for an archiver in any process. */
  archivedWithinMs?: number
}

/** With `fsync`, the longest wait of an append for the archive's checkpoint, and the pause until the next one after a timeout. */
const lookWithinMs = 1_500
const lookPauseMs = 10_000

/**
 * Refuses to append to a Redis that is behind the archive. With `archived`, returns the result of an append only after its events are
 * archived, including those of duplicate commands; otherwise throws, with an unknown outcome.
 */
export function archivedAppends<Log extends EventLog>(
  log: Log,
  { redis, known, archive, progress, durability, archivedWithinMs = 5_000 }: ArchivedAppendsOptions,
): Log {
  // Counts connections: a check of one says nothing about the next.
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
    // With `archived`, a failed-over Redis may lack events that other gates acknowledged: read the checkpoint every time.
    if (durability === 'memory' || (lookedOn === connection && durability === 'fsync')) return
    if (durability === 'fsync' && performance.now() < waitAgainAtMs) return
    const on = connection
    const looking = archive.checkpoint().then((checkpoint) => {
      if (checkpoint) progress.reached(checkpoint)
      lookedOn = on
    })
    if (durability === 'archived') return looking
    // With `fsync`, an unreachable archive does not stop appends: this process then relies on its own known sequence.
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
      if (newest && !(await progress.whenArchived(newest, AbortSignal.timeout(archivedWithinMs))))
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
