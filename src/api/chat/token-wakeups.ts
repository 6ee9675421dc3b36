import { tokensKey } from '../../agents/tokens/token-stream.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'

/**
 * Wakes whoever streams an answer when there are new tokens: one sharded pub/sub connection for a whole process
 * (a blocking XREAD a stream costs six times the Redis CPU at 2,000 answers). A wake-up carries nothing; it may be
 * missed or come twice, and after a lost connection everyone is woken.
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
        // Without the ephemeral Redis an answer still ends: its last event comes by the log, with the whole text.
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
