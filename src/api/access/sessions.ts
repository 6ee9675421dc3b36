import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { Uuid7 } from '../../events/identifiers.ts'
import type { RedisClient } from '../../platform/redis/cluster.ts'

const ticketSeconds = 60
const sessionSeconds = 12 * 3_600

/** The token behind a session; `first` is a fingerprint of the first token, so that a new one ends the sessions of the old one. */
export const TokenHolder = z.union([z.strictObject({ tokenId: Uuid7 }), z.strictObject({ first: z.string() })])
export type TokenHolder = z.infer<typeof TokenHolder>

const Stored = z.strictObject({ holder: TokenHolder, expiresAtMs: z.number() })

/** A session by its id, the hash of its secret. */
export type Session = { id: string } & z.infer<typeof Stored>

/**
 * Tickets and sessions of browsers, on the ephemeral Redis: when it loses them, people sign in again. Redis has only hashes of their
 * secrets. Calls reject while it is unreachable.
 */
export type Sessions = {
  /** A ticket that signs a browser in once, within a minute. */
  issueTicket: (holder: TokenHolder) => Promise<string>
  /** Null for a ticket that is unknown, used or too old. */
  redeem: (ticket: string) => Promise<TokenHolder | null>
  /** Opens a session of 12 hours; returns its secret, the value of the cookie. */
  open: (holder: TokenHolder) => Promise<{ secret: string; maxAgeSeconds: number }>
  find: (secret: string) => Promise<Session | null>
  end: (id: string) => Promise<void>
  /** Calls `onEnd` when the session has ended on any process, or was lost. Returns a function that stops listening. */
  listen: (id: string, onEnd: () => void) => () => void
  close: () => void
}

export type SessionsDependencies = {
  redis: RedisClient
  /** A connection of its own: it does nothing but listen. */
  subscriber: RedisClient
  councilId: string
  nowMs: () => number
}

export function createSessions({ redis, subscriber, councilId, nowMs }: SessionsDependencies): Sessions {
  const ticketKey = (ticket: string) => `council:{${councilId}}:ticket:${idOf(ticket)}`
  /** Also the channel on which its end is announced. */
  const sessionKey = (id: string) => `council:{${councilId}}:session:${id}`
  const listeners = new Map<string, Set<() => void>>()
  const endAll = (key: string): void => listeners.get(key)?.forEach((onEnd) => onEnd())
  const endIfGone = async (key: string): Promise<void> => {
    if ((await redis.exists(key)) === 0) endAll(key)
  }
  subscriber.on('smessage', endAll)
  // A message may have been missed while the connection was away.
  subscriber.on('ready', () => {
    for (const key of listeners.keys()) endIfGone(key).catch(() => undefined)
  })

  return {
    async issueTicket(holder) {
      const ticket = newSecret()
      await redis.set(ticketKey(ticket), JSON.stringify(holder), 'EX', ticketSeconds)
      return ticket
    },
    async redeem(ticket) {
      const holder = await redis.getdel(ticketKey(ticket))
      return holder === null ? null : TokenHolder.parse(JSON.parse(holder))
    },
    async open(holder) {
      const secret = newSecret()
      const session = { holder, expiresAtMs: nowMs() + sessionSeconds * 1_000 }
      await redis.set(sessionKey(idOf(secret)), JSON.stringify(session), 'EX', sessionSeconds)
      return { secret, maxAgeSeconds: sessionSeconds }
    },
    async find(secret) {
      const id = idOf(secret)
      const session = await redis.get(sessionKey(id))
      return session === null ? null : { id, ...Stored.parse(JSON.parse(session)) }
    },
    async end(id) {
      await redis.del(sessionKey(id))
      await redis.spublish(sessionKey(id), '')
    },
    listen(id, onEnd) {
      const key = sessionKey(id)
      const of = listeners.get(key) ?? new Set()
      listeners.set(key, of.add(onEnd))
      // The session may have ended since it was found.
      if (of.size === 1)
        subscriber
          .ssubscribe(key)
          .then(() => endIfGone(key))
          .catch(() => undefined)
      return () => {
        of.delete(onEnd)
        if (of.size > 0 || listeners.get(key) !== of) return
        listeners.delete(key)
        subscriber.sunsubscribe(key).catch(() => undefined)
      }
    },
    close: () => subscriber.disconnect(),
  }
}

const newSecret = (): string => randomBytes(32).toString('base64url')
const idOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')
