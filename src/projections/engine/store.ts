import type { Checkpoint, Registered } from './checkpoint.ts'
import type { Projection } from './projection.ts'
import type { LeaseHolder, RebuildLease } from './lease-rows.ts'

/**
 * Everything that the projector asks of the database beside the statements of the projections themselves. `T` is a
 * transaction of it; nothing happens outside of one. The real one is `postgresStore`.
 */
export type ReadModelStore<T> = {
  /** All of `work`, or nothing. When the connection breaks during the commit nobody can say which. */
  transaction: <Result>(work: (tx: T) => Promise<Result>) => Promise<Result>
  /** Makes the registry's own tables where they are missing. */
  migrate: () => Promise<unknown>

  /** The registry's row of a projection, or undefined before its first build. `forUpdate` keeps every other projector out until commit. */
  loadRegistered: (tx: T, name: string, options?: { forUpdate?: boolean }) => Promise<Registered | undefined>
  /**
   * Moves a checkpoint forward if it still is where the caller thinks: false means that another projector was faster, or
   * that a rebuild has put another generation in its place. Until the transaction ends nobody else can move it.
   */
  moveCheckpoint: (tx: T, name: string, generation: number, from: Checkpoint, to: Checkpoint) => Promise<boolean>
  register: (tx: T, name: string, registered: Registered) => Promise<void>

  /** The generations of a projection that there are, half-built ones included. */
  generationsOf: (tx: T, name: string) => Promise<number[]>
  /** Makes an empty generation, with its tables. */
  createGeneration: (tx: T, projection: Projection<T>, generation: number) => Promise<void>
  /** Drops every generation of a projection but the one that serves. */
  dropOtherGenerations: (tx: T, name: string, serving: number | undefined) => Promise<void>
  /** Lets queries see this generation. Waits for those who are reading the old one. */
  serveGeneration: (tx: T, projection: Projection<T>, generation: number) => Promise<void>
  /** From here to its end the transaction fails with `lock_not_available` (SQLSTATE 55P03) rather than to wait longer for a lock. */
  limitWaiting: (tx: T, waitMs: number) => Promise<void>

  /** Who rebuilds a projection, if anybody does. */
  loadHolder: (tx: T, name: string) => Promise<LeaseHolder | undefined>
  /** Claims a rebuild, if nobody holds it, or the holder has the fence `over`, or has been silent for the lease. False: somebody does. */
  takeLease: (
    tx: T,
    holder: LeaseHolder & { name: string; version: number },
    over: string,
    leaseSeconds: number,
  ) => Promise<boolean>
  /** Says which generation the rebuild makes. */
  nameGeneration: (tx: T, name: string, generation: number) => Promise<void>
  /** Says that the rebuild is under way, and keeps others out until the transaction ends. False: the claim was taken over. */
  renewLease: (tx: T, name: string, claim: RebuildLease) => Promise<boolean>
  releaseLease: (tx: T, name: string, claim: RebuildLease) => Promise<void>
}
