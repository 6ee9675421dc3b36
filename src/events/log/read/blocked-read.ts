import type { RedisClient } from '../../../platform/redis/cluster.ts'

/** A blocked read that exceeds its own timeout by this is given up: a half-open connection never answers. */
const graceMs = 2000

/** The outcome of a blocking read. `stuck`: no reply at all, not even an empty one. */
export type BlockedRead<Reply> =
  | { outcome: 'answered'; reply: Reply }
  | { outcome: 'failed'; error: unknown }
  | { outcome: 'stuck' }
  | { outcome: 'aborted' }

/**
 * Waits for a command that blocks on the server for at most `blockMs`, and settles even if the connection dies. The connection belongs
 * to the reader alone: it is dropped and reconnects if it stays silent for longer. The reader then asks again.
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
