import type { Session, Sessions, TokenHolder } from '../../src/api/access/sessions.ts'
import type { Token } from '../../src/commands/aggregates/token.ts'
import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import { Principal, type StreamName, type Uuid7 } from '../../src/events/identifiers.ts'
import type { LogTail } from '../../src/events/log/read/tail.ts'
import { printToken } from '../../src/events/token-text.ts'
import type { TokenScope } from '../../src/events/token.ts'
import { newId } from './council.ts'
import { secretHashOf } from './tokens.ts'

type Issued = Exclude<Token, { status: 'absent' }>

/** The tokens of a council without a log: a test sets their states. */
export type KnownTokens = {
  states: Map<Uuid7, Token>
  /** Adds a token; returns its id and its text. */
  issue: (change?: Partial<Omit<Issued, 'subject'>> & { subject?: string }) => { tokenId: Uuid7; token: string }
}

const secret = 's'.repeat(43)

export function knownTokens(): KnownTokens {
  const states = new Map<Uuid7, Token>()
  return {
    states,
    issue({ subject = 'user:ada', scopes = [] as TokenScope[], ...change } = {}) {
      const tokenId = newId()
      states.set(tokenId, {
        status: 'issued',
        expiresAtMs: null,
        secretHash: secretHashOf(secret),
        issuer: null,
        scopes,
        ...change,
        subject: Principal.parse(subject),
      })
      return { tokenId, token: printToken({ tokenId, secret }) }
    },
  }
}

/** Sessions without a Redis. A test ends them as a browser does, or on the side. */
export function memorySessions(nowMs = Date.now): Sessions {
  const tickets = new Map<string, TokenHolder>()
  const sessions = new Map<string, Session>()
  const listeners = new Map<string, Set<() => void>>()
  let made = 0
  const secretNo = () => String(++made).padStart(43, 'x')
  return {
    async issueTicket(holder) {
      const ticket = secretNo()
      tickets.set(ticket, holder)
      return ticket
    },
    async redeem(ticket) {
      const holder = tickets.get(ticket) ?? null
      tickets.delete(ticket)
      return holder
    },
    async open(holder) {
      const secret = secretNo()
      sessions.set(secret, { id: `id of ${secret}`, holder, expiresAtMs: nowMs() + 60_000 })
      return { secret, maxAgeSeconds: 60 }
    },
    find: async (secret) => sessions.get(secret) ?? null,
    async end(id) {
      for (const [secret, session] of sessions) if (session.id === id) sessions.delete(secret)
      listeners.get(id)?.forEach((onEnd) => onEnd())
    },
    listen(id, onEnd) {
      const of = listeners.get(id) ?? new Set()
      listeners.set(id, of.add(onEnd))
      return () => void of.delete(onEnd)
    },
    close: () => undefined,
  }
}

/** A tail of the log whose events a test makes. */
export function silentTail(): Pick<LogTail, 'listen'> & {
  ring: (stream: StreamName) => void
  listening: () => number
} {
  const listeners = new Map<StreamName, Set<(event: AnyRecordedEvent) => void>>()
  return {
    listen(stream, listener) {
      const of = listeners.get(stream) ?? new Set()
      listeners.set(stream, of.add(listener))
      return () => void of.delete(listener)
    },
    // The listeners of tokens look at the state, not at the event.
    ring: (stream) =>
      [...(listeners.get(stream) ?? [])].forEach((listener) => listener({ stream } as AnyRecordedEvent)),
    listening: () => [...listeners.values()].reduce((sum, of) => sum + of.size, 0),
  }
}
