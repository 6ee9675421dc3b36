import type { RedisClient } from '../../../platform/redis/cluster.ts'

/** A blocked read that has not settled so long after its own time is given up: a half-open connection never answers. */
const graceMs = 2000

/** How a blocking read came to an end. `stuck`: nothing was heard, not even that there is nothing new. */
export type BlockedRead<Reply> =
  | { outcome: 'answered'; reply: Reply }
  | { outcome: 'failed'; error: unknown }
  | { outcome: 'stuck' }
  | { outcome: 'aborted' }

/**
 * Waits for a command that blocks on the server for at most `blockMs`, and settles whatever happens to the connection, which
 * is the reader's own: one that stays silent beyond that time is dropped and comes back by itself. Whoever reads asks
 * again; what the dropped connection might have said later is not waited for.
 */
export async function settleBlocked<Reply>(
  redis: Pick<RedisClient, 'disconnect'>,
  blockMs: number,
  reading: Promise<Reply>,
  signal?: AbortSignal,
): Promise<BlockedRead<Reply>> {
  const answer = reading.then(
    (reply): BlockedRead<Reply> => ({ outcome: 'answered', reply }),
    (error: unknown): BlockedRead<Reply> => ({ outcome: 'failed', error }),
  )
  let timer: NodeJS.Timeout | undefined
  let abort: (() => void) | undefined
  const interrupted = new Promise<BlockedRead<Reply>>((resolve) => {
    timer = setTimeout(() => resolve({ outcome: 'stuck' }), blockMs + graceMs)
    abort = () => resolve({ outcome: 'aborted' })
    signal?.addEventListener('abort', abort, { once: true })
  })
  const read = await Promise.race([answer, interrupted])
  clearTimeout(timer)
  if (abort) signal?.removeEventListener('abort', abort)
  if (read.outcome === 'stuck') redis.disconnect(true)
  return read
}
