import { setTimeout as pause } from 'node:timers/promises'
import type { Position, Uuid7 } from '../../events/identifiers.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'
import { pieceWriter } from './write-pieces.ts'

/**
 * The key of a token stream: the text of an answer in progress, on the ephemeral Redis. A client may have seen any text in it, so
 * text is never withdrawn. The stream expires; the log has the whole answer. The key is also the channel that wakes its readers.
 */
export const tokensKey = (councilId: string, requestId: Uuid7): string => `council:{${councilId}}:tokens:${requestId}`

const pageSize = 1000
const maxTries = 8
const retryPauseMs = 250

/**
 * `superseded`: a newer attempt writes this answer. `lost`: the ephemeral Redis is unreachable or has lost earlier text. The answer
 * continues without the token stream, and its readers get the rest from the log.
 */
export type WriteOutcome = 'written' | 'superseded' | 'lost'

/** Adds `text` at `offset` (UTF-16 code units) of an answer. An empty text marks the start of an attempt. */
export type WriteTokens = (requestId: Uuid7, attempt: number, offset: number, text: string) => Promise<WriteOutcome>

/** Creates a writer. A failed write may have been applied, so it is sent again; the script detects duplicates by their offsets. */
export const tokenWriter =
  (redis: RedisClient, councilId: string): WriteTokens =>
  async (requestId, attempt, offset, text) => {
    const key = tokensKey(councilId, requestId)
    const write = pieceWriter(redis)
    for (let tries = 1; ; tries++) {
      try {
        const outcome = await write({ key, attempt, start: offset, end: offset + text.length, text })
        return outcome === 'written' || outcome === 'superseded' ? outcome : 'lost'
      } catch {
        if (tries >= maxTries) return 'lost'
        await pause(retryPauseMs)
      }
    }
  }

/** Adds a piece of a member's draft, which clients see until the draft is finished. Best effort: the log has the draft itself. */
export type WritePreview = (requestId: Uuid7, attempt: number, member: string, text: string) => Promise<void>

export const previewWriter =
  (redis: RedisClient, councilId: string): WritePreview =>
  async (requestId, attempt, member, text) => {
    const key = tokensKey(councilId, requestId)
    await pieceWriter(redis)({ key, attempt, start: 0, end: 0, text, member }).catch(() => undefined)
  }

/** A piece of an answer as the message that wakes its readers has it. `before`: the entry of the token stream before this one. */
export type WrittenPiece = { before: Position; id: Position; endOffset: number; text: string }

/** Null for a message without a piece: its readers must read the token stream. */
export function parseWrittenPiece(message: string): WrittenPiece | null {
  const [, before, id, end, text] = /^(\d+-\d+) (\d+-\d+) (\d+) (.+)$/s.exec(message) ?? []
  if (before === undefined || id === undefined || text === undefined) return null
  return { before: before as Position, id: id as Position, endOffset: Number(end), text }
}

/** A piece of a member's draft. `id` is its entry in the token stream, which has the form of a position. */
export type Preview = { id: Position; attempt: number; member: string; text: string }

/** A part of an answer. */
export type TokenPage = {
  text: string
  /** The offset after the text. */
  endOffset: number
  /** The attempts that started in this part. */
  begun: number[]
  previews: Preview[]
  /** When its first text was written. */
  firstTextAtMs: number | null
  /** The last entry read; the next read starts after it. */
  lastId: string
}

/** Reads the current content after an entry; `0-0` reads from the start. */
export async function readTokens(
  redis: RedisClient,
  councilId: string,
  requestId: Uuid7,
  afterId: string,
): Promise<TokenPage> {
  const page: TokenPage = { text: '', endOffset: 0, begun: [], previews: [], firstTextAtMs: null, lastId: afterId }
  for (;;) {
    const entries = await redis.xrange(tokensKey(councilId, requestId), `(${page.lastId}`, '+', 'COUNT', pageSize)
    for (const [id, fields] of entries) {
      const { attempt, end, text, member } = parseFields(fields)
      page.lastId = id
      page.endOffset = end
      if (member !== undefined) {
        page.previews.push({ id: id as Position, attempt, member, text })
        continue
      }
      if (text === '') page.begun.push(attempt)
      else page.firstTextAtMs ??= Number(id.split('-')[0])
      page.text += text
    }
    if (entries.length < pageSize) return page
  }
}

function parseFields(fields: string[]): { attempt: number; end: number; text: string; member?: string } {
  const record: Record<string, string> = {}
  for (let i = 0; i < fields.length; i += 2) record[fields[i] ?? ''] = fields[i + 1] ?? ''
  const { member } = record
  return {
    attempt: Number(record['attempt']),
    end: Number(record['end']),
    text: record['text'] ?? '',
    ...(member !== undefined && { member }),
  }
}
