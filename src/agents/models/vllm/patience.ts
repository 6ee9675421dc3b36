/**
 * How long a server may keep its reader waiting without progress. Only the time that is spent waiting for the server counts, not the
 * reader's own slowness; bytes that bring nothing (comments, empty deltas) do not end a wait.
 */
export type Patience = {
  /** The limit applies from here on. */
  begin: () => void
  /** The server made progress: the wait begins anew. */
  progressed: () => void
  /** The answer is finished; only its last figures are waited for, and for a short time. */
  finished: () => void
  /** The pieces of a body as they come. They end early once the answer is finished and nothing more comes; else `onSilence` must make the body fail. */
  over: (body: AsyncIterator<Uint8Array>) => AsyncGenerator<Uint8Array, void, void>
}

/** How long usage and `[DONE]` are waited for after a finish reason. */
const afterFinishMs = 5_000

export function createPatience(limitMs: number, onSilence: () => void): Patience {
  let leftMs = Infinity
  let isFinished = false

  /** The next piece; `over` when it takes too long and the answer is finished anyway. */
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
      // A piece that nobody waits for any more may still fail when its socket is closed.
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
    async *over(body) {
      for (;;) {
        const piece = await next(body)
        if (piece === 'over' || piece.done) return
        yield piece.value
      }
    },
  }
}
