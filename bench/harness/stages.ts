import { tokensKey } from '../../src/agents/tokens/token-stream.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { connectRedis, whenRedisReady } from '../../src/platform/redis/connection.ts'
import { nowMicros } from './numbered-answer.ts'

/** A token that was sampled: its place in the answer, and when the model sent it and the client got it. */
export type SampledToken = { requestId: string; endOffset: number; sentAt: number; arrivedAt: number }

/** In milliseconds: from the model to the token stream, and from there to the client. */
export type StageTimes = { toRedis: number[]; toClient: number[] }

/**
 * Splits the delays of sampled tokens at their entry in the token stream. The id of an entry has the time of Redis in whole milliseconds.
 */
export async function stagesOf(ephemeralUrl: string, sampled: readonly SampledToken[]): Promise<StageTimes> {
  const redis = connectRedis({ url: ephemeralUrl, role: 'command', name: 'bench-stages', logger: silentLogger })
  await whenRedisReady(redis, 10_000)
  const wallLessMonotonicMs = Date.now() - nowMicros() / 1000
  const times: StageTimes = { toRedis: [], toClient: [] }
  for (const [requestId, tokens] of Map.groupBy(sampled, (token) => token.requestId)) {
    const entries = await readEntries(redis, requestId)
    for (const { endOffset, sentAt, arrivedAt } of tokens) {
      const entry = entries.find(({ end }) => end >= endOffset)
      if (!entry) continue
      // Half a millisecond: the id is rounded down.
      const writtenMs = entry.atMs + 0.5 - wallLessMonotonicMs
      times.toRedis.push(writtenMs - sentAt / 1000)
      times.toClient.push(arrivedAt / 1000 - writtenMs)
    }
  }
  redis.disconnect()
  return times
}

/** When a piece of an answer was written, and the offset where it ends. */
type TokenEntry = { atMs: number; end: number }

/** The pieces in the token stream of an answer of the council `main`, oldest first. */
async function readEntries(redis: ReturnType<typeof connectRedis>, requestId: string): Promise<TokenEntry[]> {
  const entries = await redis.xrange(tokensKey('main', requestId as Uuid7), '-', '+')
  return entries.map(([id, fields]) => ({
    atMs: Number(id.split('-')[0]),
    end: Number(fields[fields.indexOf('end') + 1]),
  }))
}
