import { tokensKey } from '../../agents/tokens/token-stream.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'

/**
 * Wakes answer feeds when there are new tokens, over one sharded pub/sub connection per process (a blocking XREAD per stream costs six
 * times the Redis CPU at 2,000 answers). A wake-up carries no data, and may be lost or repeated. A reconnect wakes all feeds.
 */
export type TokenWakeups = { listen: (requestId: Uuid7, wake: () => void) => () => void; close: () => void }

export function tokenWakeups(subscriber: RedisClient, councilId: string): TokenWakeups {
  const listeners = new Map<string, Set<() => void>>()
  subscriber.on('smessage', (channel: string) => listeners.get(channel)?.forEach((wake) => wake()))
  subscriber.on('ready', () => listeners.forEach((wakes) => wakes.forEach((wake) => wake())))

  return {
    listen(requestId, wake) {
      const channel = tokensKey(councilId, requestId)
      const wakes = listeners.get(channel)
      if (wakes) wakes.add(wake)
      else {
        listeners.set(channel, new Set([wake]))
        // Without the ephemeral Redis an answer still ends: its terminal event in the log has the whole text.
        subscriber.ssubscribe(channel).then(wake, () => undefined)
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
