/** Sends the pieces of all answers of a process to their token streams. */

import { readFileSync } from 'node:fs'
import type { RedisClient } from '../../platform/redis/cluster.ts'

const script = readFileSync(new URL('write-tokens.lua', import.meta.url), 'utf8')
const timeToLiveS = 3600
const maxPieces = 100

/** A piece of an answer, or of a member's draft if it names a member. Offsets count UTF-16 code units of the whole answer. */
export type Piece = { key: string; attempt: number; start: number; end: number; text: string; member?: string }

/** Resolves with the outcome of write-tokens.lua. Rejects if Redis does not answer: then the piece may have been written. */
export type WritePiece = (piece: Piece) => Promise<string>

type ScriptCall = (numberOfKeys: number, ...keysAndArgs: (string | number)[]) => Promise<string[]>
type Waiting = Piece & PromiseWithResolvers<string>

const writers = new WeakMap<RedisClient, WritePiece>()

/** The writer of a connection. Pieces that come in one turn of the event loop go to Redis in one command: that costs it and us the least. */
export function pieceWriter(redis: RedisClient): WritePiece {
  const known = writers.get(redis)
  if (known) return known
  // Sends EVALSHA, then EVAL if the server does not know the script (first call, restart, SCRIPT FLUSH).
  redis.defineCommand('councilWriteTokens', { lua: script })
  const call = (redis as RedisClient & { councilWriteTokens: ScriptCall }).councilWriteTokens.bind(redis)
  let waiting: Waiting[] = []

  function send(pieces: readonly Waiting[]): void {
    const keys = pieces.map(({ key }) => key)
    const values = pieces.flatMap(({ attempt, start, end, text, member = '' }) => [attempt, start, end, text, member])
    call(keys.length, ...keys, timeToLiveS, ...values).then(
      (outcomes) => {
        for (const [index, { resolve }] of pieces.entries()) resolve(outcomes[index] ?? '')
      },
      (error: unknown) => {
        for (const { reject } of pieces) reject(error)
      },
    )
  }
  function sendAll(): void {
    const all = waiting
    waiting = []
    for (let from = 0; from < all.length; from += maxPieces) send(all.slice(from, from + maxPieces))
  }

  const write: WritePiece = (piece) => {
    const outcome = Promise.withResolvers<string>()
    if (waiting.push({ ...piece, ...outcome }) === 1) setImmediate(sendAll)
    return outcome.promise
  }
  writers.set(redis, write)
  return write
}
