import { parseWrittenPiece, tokensKey, type WrittenPiece } from '../../agents/tokens/token-stream.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'

/**
 * Called when there are new tokens: with the new piece of the answer, or without it when the token stream must be read. Pieces come in
 * order, but one may be missing or come twice.
 */
export type Wake = (piece: WrittenPiece | null) => void

/**
 * Wakes answer feeds when there are new tokens, over one sharded pub/sub connection per process (a blocking XREAD per stream costs six
 * times the Redis CPU at 2,000 answers). A reconnect wakes all feeds.
 */
export type TokenWakeups = { listen: (requestId: Uuid7, wake: Wake) => () => void; close: () => void }

export function tokenWakeups(subscriber: RedisClient, councilId: string): TokenWakeups {
  const listeners = new Map<string, Set<Wake>>()
  subscriber.on('smessage', (channel: string, message: string) => {
    const wakes = listeners.get(channel)
    if (!wakes) return
    const piece = parseWrittenPiece(message)
    for (const wake of wakes) wake(piece)
  })
  subscriber.on('ready', () => listeners.forEach((wakes) => wakes.forEach((wake) => wake(null))))

  return {
    listen(requestId, wake) {
      const channel = tokensKey(councilId, requestId)
      const wakes = listeners.get(channel)
      if (wakes) wakes.add(wake)
      else {
        listeners.set(channel, new Set([wake]))
        // Without the ephemeral Redis an answer still ends: its terminal event in the log has the whole text.
        subscriber.ssubscribe(channel).then(
          () => wake(null),
          () => undefined,
        )
      }
      return () => {
        const left = listeners.get(channel)
        left?.delete(wake)
        if (left?.size !== 0) return
        listeners.delete(channel)
        subscriber.sunsubscribe(channel).catch(() => undefined)
      }
    },
    close: () => subscriber.disconnect(),
  }
}
