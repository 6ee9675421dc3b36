import { token, type Token } from '../../commands/aggregates/token.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { LogTail } from '../../events/log/read/tail.ts'
import { tokenStream } from '../../events/token.ts'

/** A state that was read longer ago is read again, so that a revocation holds within this time on every replica. */
const maxAgeMs = 1_000
const maxTokens = 10_000

export type TokenStatesDependencies = {
  gate: Pick<CommandGate, 'load'>
  tail: Pick<LogTail, 'listen'>
  /** Monotonic. */
  elapsedMs: () => number
}

/** The state of a token, at most a second old; rejects while the log cannot be read. `isFresh` reads it now. */
export type TokenStates = (tokenId: Uuid7, options?: { isFresh?: boolean }) => Promise<Token>

type Held = { readAtMs: number; state: Promise<Token>; forget: () => void }

/**
 * Reads tokens from the log's own states and keeps those in use for a second. An event of a token drops it at once. Concurrent
 * requests share one read. Unknown tokens are not kept, so that a client that invents tokens cannot displace others.
 */
export function tokenStates({ gate, tail, elapsedMs }: TokenStatesDependencies): TokenStates {
  const held = new Map<Uuid7, Held>()

  function read(tokenId: Uuid7): Promise<Token> {
    held.get(tokenId)?.forget()
    if (held.size >= maxTokens) held.values().next().value?.forget()
    const stream = tokenStream(tokenId)
    const state = gate.load(token, stream).then((loaded) => loaded.state)
    const stop = tail.listen(stream, () => own.forget())
    const own: Held = {
      readAtMs: elapsedMs(),
      state,
      forget() {
        stop()
        if (held.get(tokenId) === own) held.delete(tokenId)
      },
    }
    held.set(tokenId, own)
    state.then(
      ({ status }) => void (status === 'absent' && own.forget()),
      () => own.forget(),
    )
    return state
  }

  return (tokenId, { isFresh = false } = {}) => {
    const known = held.get(tokenId)
    return known && !isFresh && elapsedMs() - known.readAtMs < maxAgeMs ? known.state : read(tokenId)
  }
}
