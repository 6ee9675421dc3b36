import { ClientError } from './client-error.ts'
import { ConnectionLost } from './connection-lost.ts'
import type { Connection } from './connection.ts'

/** A connection that was lost, and the wait before the next try. */
export type Loss = { why: string; waitMs: number; tryNumber: number; maxTries: number }

export type Reconnecting = {
  connect: () => Promise<Connection>
  /** Waits, or less when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Called before each wait. */
  onLost: (loss: Loss) => void
  signal: AbortSignal
}

/** Counts tries; `hasProgressed` says that a connection has done something, so that the count begins anew. */
export type Tries = { hasProgressed: () => void }

const maxTries = 8
const firstWaitMs = 250
const maxWaitMs = 5_000

/** The wait before a try, which is numbered from 1; it doubles up to 5 s. */
export const backoffMs = (tryNumber: number): number => Math.min(maxWaitMs, firstWaitMs * 2 ** (tryNumber - 1))

/** Waits in real time. */
export const pauseFor = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })

/**
 * Runs `visit` on one connection after another, until it returns. Connects again, with growing waits, whenever a
 * connection is lost; the connection of each visit is closed with it. Throws ClientError `connection_lost` after eight
 * tries without progress, `no_council` if nothing listens at the first try, `interrupted` when the signal aborts
 * meanwhile, and those of `connect` and `visit`.
 */
export async function* reconnecting<T, Result>(
  { connect, pause, onLost, signal }: Reconnecting,
  visit: (connection: Connection, tries: Tries) => AsyncGenerator<T, Result>,
): AsyncGenerator<T, Result> {
  let failed = 0
  let hasBegun = false
  const tries: Tries = {
    hasProgressed() {
      failed = 0
      hasBegun = true
    },
  }
  for (;;) {
    let connection: Connection | undefined
    try {
      connection = await connect()
      return yield* visit(connection, tries)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      if (signal.aborted) throw interrupted()
      if (error.refused && !hasBegun && failed === 0) throw new ClientError('no_council', error.message, error)
      failed += 1
      if (failed > maxTries)
        throw new ClientError(
          'connection_lost',
          `the connection did not come back after ${maxTries} tries (${error.message})`,
        )
      const waitMs = backoffMs(failed)
      onLost({ why: error.message, waitMs, tryNumber: failed, maxTries })
      await pause(waitMs, signal)
      if (signal.aborted) throw interrupted()
    } finally {
      connection?.close()
    }
  }
}

export const interrupted = (): ClientError => new ClientError('interrupted', 'interrupted by the caller')
