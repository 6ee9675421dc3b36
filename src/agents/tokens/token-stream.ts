import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'

/**
 * The text of answers while they are made: `council:{c}:tokens:<requestId>` on the ephemeral Redis. What is here was,
 * or may have been, seen by a client and is never withdrawn. It expires; the log has the whole answer.
 * The key is its own channel name: whoever streams an answer is woken on it.
 */
export const tokensKey = (councilId: string, requestId: Uuid7): string => `council:{${councilId}}:tokens:${requestId}`

const timeToLiveS = 3600
const pageSize = 1000
const maxTries = 8
const retryPauseMs = 250

const script = readFileSync(new URL('write-tokens.lua', import.meta.url), 'utf8')

/**
 * `superseded`: a newer attempt speaks for this answer. `lost`: the ephemeral Redis is gone, or has forgotten what came
 * before; the answer goes on without it, and its readers get the rest from the log.
 */
export type WriteOutcome = 'written' | 'superseded' | 'lost'

/** Adds `text` at `offset` (UTF-16 code units) of an answer; an empty text says that the attempt speaks from now on. */
export type WriteTokens = (requestId: Uuid7, attempt: number, offset: number, text: string) => Promise<WriteOutcome>

/** A failed write may have been applied: it is sent again, and the script knows by its offsets whether it was. */
export const tokenWriter =
  (redis: RedisClient, councilId: string): WriteTokens =>
  async (requestId, attempt, offset, text) => {
    const key = tokensKey(councilId, requestId)
    for (let tries = 1; ; tries++) {
      try {
        const outcome = await redis.eval(script, 1, key, attempt, offset, offset + text.length, text, timeToLiveS, key)
        return outcome === 'written' || outcome === 'superseded' ? outcome : 'lost'
      } catch {
        if (tries >= maxTries) return 'lost'
        await pause(retryPauseMs)
      }
    }
  }

/** A part of an answer: its text, the offset behind it, the attempts that began in it, when its first text was written, and the entry to go on after. */
export type TokenPage = {
  text: string
  endOffset: number
  begun: number[]
  firstTextAtMs: number | null
  lastId: string
}

/** Everything after an entry (`0-0`: from the start) as it is now. */
export async function readTokens(
  redis: RedisClient,
  councilId: string,
  requestId: Uuid7,
  afterId: string,
): Promise<TokenPage> {
  const page: TokenPage = { text: '', endOffset: 0, begun: [], firstTextAtMs: null, lastId: afterId }
  for (;;) {
    const entries = await redis.xrange(tokensKey(councilId, requestId), `(${page.lastId}`, '+', 'COUNT', pageSize)
    for (const [id, fields] of entries) {
      const { attempt, end, text } = parseFields(fields)
      if (text === '') page.begun.push(attempt)
      else page.firstTextAtMs ??= Number(id.split('-')[0])
      page.text += text
      page.endOffset = end
      page.lastId = id
    }
    if (entries.length < pageSize) return page
  }
}

function parseFields(fields: string[]): { attempt: number; end: number; text: string } {
  const record: Record<string, string> = {}
  for (let i = 0; i < fields.length; i += 2) record[fields[i] ?? ''] = fields[i + 1] ?? ''
  return { attempt: Number(record['attempt']), end: Number(record['end']), text: record['text'] ?? '' }
}
