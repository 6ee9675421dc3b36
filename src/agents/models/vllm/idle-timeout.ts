/**
 * The idle timeout of an answer. It counts only the time spent waiting for the server, not the time that the reader takes. Bytes
 * without content (comments, empty deltas) do not restart it.
 */
export type IdleTimeout = {
  /** Starts the limit. */
  begin: () => void
  /** Restarts the limit after progress. */
  progressed: () => void
  /** The answer is finished: from now on, wait only briefly for the last usage figures. */
  finished: () => void
  /** Yields the pieces of a body. On a timeout it ends if the answer is finished; otherwise `onSilence` must make the body fail. */
  read: (body: AsyncIterator<Uint8Array>) => AsyncGenerator<Uint8Array, void, void>
}

/** How long to wait for usage and `[DONE]` after a finish reason. */
const afterFinishMs = 5_000

export function createIdleTimeout(limitMs: number, onSilence: () => void): IdleTimeout {
  let leftMs = Infinity
  let isFinished = false

  /** Reads the next piece; `over` if it is late and the answer is already finished. */
  async function next(body: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array> | 'over'> {
    const piece = body.next()
    if (leftMs === Infinity) return piece
    const startedAt = performance.now()
    const late = Promise.withResolvers<'over'>()
    const timer = setTimeout(
      () => {
        if (isFinished) late.resolve('over')
        else onSilence()
      },
      Math.max(0, leftMs),
    )
    try {
      return await Promise.race([piece, late.promise])
    } finally {
      clearTimeout(timer)
      leftMs -= performance.now() - startedAt
      // An abandoned read may still fail when its socket is closed.
      piece.catch(() => undefined)
    }
  }

  return {
    begin: () => void (leftMs = Math.min(leftMs, limitMs)),
    progressed: () => void (leftMs = Math.min(limitMs, isFinished ? afterFinishMs : Infinity)),
    finished() {
      if (!isFinished) leftMs = Math.min(limitMs, afterFinishMs)
      isFinished = true
    },
    async *read(body) {
      for (;;) {
        const piece = await next(body)
        if (piece === 'over' || piece.done) return
        yield piece.value
      }
    },
  }
}
