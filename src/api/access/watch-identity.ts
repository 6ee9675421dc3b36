import type { LogTail } from '../../events/log/read/tail.ts'
import { tokenStream } from '../../events/token.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Access } from './access.ts'
import type { Identity } from './identity.ts'
import type { Sessions } from './sessions.ts'

/**
 * Calls `onEnd` once, when an identity no longer admits: at once if its token was revoked meanwhile, within a second of a revocation or
 * of signing out, and when it expires. Returns a function that ends the watch.
 */
export type WatchIdentity = (identity: Identity, onEnd: () => void) => () => void

export type WatchDependencies = {
  access: Pick<Access, 'identityOfHolder' | 'holderOf'>
  sessions: Pick<Sessions, 'listen'>
  tail: Pick<LogTail, 'listen'>
  clock: Clock
}

/** The longest delay of a timer in Node. */
const maxTimerMs = 2 ** 31 - 1

/** Waits for events of tokens and sessions; looks at nothing in between. */
export const identityWatch =
  ({ access, sessions, tail, clock }: WatchDependencies): WatchIdentity =>
  (identity, onEnd) => {
    let timer: NodeJS.Timeout | undefined
    const stops = identity.tokens.map((id) => tail.listen(tokenStream(id), () => void check()))
    if (identity.sessionId !== null) stops.push(sessions.listen(identity.sessionId, () => end()))
    let isOver = false
    const stop = (): void => {
      isOver = true
      clearTimeout(timer)
      for (const each of stops.splice(0)) each()
    }
    const end = (): void => {
      if (isOver) return
      stop()
      onEnd()
    }
    // An event that the log cannot confirm right now ends the watch: the client may authenticate again.
    const check = (): Promise<void> =>
      access.identityOfHolder(access.holderOf(identity), { isFresh: true }).then(
        (now) => void (now === null && end()),
        () => end(),
      )
    const untilExpiry = (): void => {
      const leftMs = (identity.expiresAtMs ?? Infinity) - clock.nowMs()
      if (leftMs <= 0) return end()
      if (leftMs === Infinity) return
      timer = setTimeout(untilExpiry, Math.min(leftMs, maxTimerMs))
      timer.unref()
    }
    untilExpiry()
    // The token may have been revoked between its authentication and this watch.
    void check()
    return stop
  }
