import type { Principal, Uuid7 } from '../../events/identifiers.ts'

/** How long a client that has left may come back under its Idempotency-Key before its prompt is cancelled. */
const graceMs = 3_000

/** The clients that read answers over HTTP, in this process. */
export type AnswerReaders = {
  /** Adds a reader of an answer. The returned function removes it; `hasLeft`: before the end of the answer. */
  add: (requestId: Uuid7, principal: Principal) => (hasLeft: boolean) => void
  /** From now on no prompt is cancelled: it is the server that leaves. */
  close: () => void
}

/** Cancels a prompt a while after its last reader has left. Over HTTP, unlike over WebSockets, leaving is the only way to cancel. */
export function answerReaders(cancel: (principal: Principal, requestId: Uuid7) => Promise<unknown>): AnswerReaders {
  const reading = new Map<Uuid7, number>()
  const leaving = new Map<Uuid7, NodeJS.Timeout>()
  let isClosed = false

  function forget(requestId: Uuid7): void {
    clearTimeout(leaving.get(requestId))
    leaving.delete(requestId)
  }
  return {
    add(requestId, principal) {
      forget(requestId)
      reading.set(requestId, (reading.get(requestId) ?? 0) + 1)
      return (hasLeft) => {
        const left = (reading.get(requestId) ?? 1) - 1
        if (left > 0) return void reading.set(requestId, left)
        reading.delete(requestId)
        if (!hasLeft || isClosed) return
        const timer = setTimeout(() => {
          leaving.delete(requestId)
          void cancel(principal, requestId)
        }, graceMs)
        leaving.set(requestId, timer)
      }
    },
    close() {
      isClosed = true
      for (const requestId of leaving.keys()) forget(requestId)
    },
  }
}
