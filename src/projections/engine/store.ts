import type { Checkpoint, Registered } from './checkpoint.ts'
import type { Projection } from './projection.ts'
import type { LeaseHolder, RebuildLease } from './lease-rows.ts'

/**
 * The store of a projection's read model: its generations, its checkpoint and its rebuild lease. `T` is a session, in which all
 * statements run. `postgresStore` is the one on Postgres.
 */
export type ReadModelStore<T> = {
  /**
   * Default true: `transaction` commits all of its work or nothing. False, for a target such as a graph: every statement takes
   * effect by itself. The engine then applies events before it moves the checkpoint, and applies them again after a crash; so
   * projections write absolute values that are safe to repeat. `register` is the statement that swaps generations: queries must
   * read the registered one.
   */
  isTransactional?: boolean
  /** Runs `work` in one session. If the connection breaks during a commit, the outcome is unknown. */
  transaction: <Result>(work: (tx: T) => Promise<Result>) => Promise<Result>
  /** Creates the registry's own tables if they are missing. */
  migrate: () => Promise<unknown>

  /** The registry's row of a projection; undefined before its first build. `forUpdate` locks out other projectors until commit. */
  loadRegistered: (tx: T, name: string, options?: { forUpdate?: boolean }) => Promise<Registered | undefined>
  /**
   * Moves a checkpoint by compare-and-set. False: another projector was faster, or a rebuild has replaced the generation.
   * In a transaction the row stays locked until the end.
   */
  moveCheckpoint: (tx: T, name: string, generation: number, from: Checkpoint, to: Checkpoint) => Promise<boolean>
  register: (tx: T, name: string, registered: Registered) => Promise<void>

  /** All generations of a projection, including half-built ones. */
  generationsOf: (tx: T, name: string) => Promise<number[]>
  /** Creates an empty generation, with its tables. */
  createGeneration: (tx: T, projection: Projection<T>, generation: number) => Promise<void>
  /** Drops every generation of a projection except the one that serves. */
  dropOtherGenerations: (tx: T, name: string, serving: number | undefined) => Promise<void>
  /** Points queries at this generation. Waits for queries that read the old one. */
  serveGeneration: (tx: T, projection: Projection<T>, generation: number) => Promise<void>
  /** From here on the session fails with `lock_not_available` (SQLSTATE 55P03) instead of waiting longer for a lock. */
  limitWaiting: (tx: T, waitMs: number) => Promise<void>

  /** The holder of a projection's rebuild lease, if there is one. */
  loadHolder: (tx: T, name: string) => Promise<LeaseHolder | undefined>
  /** Takes the rebuild lease if it is free, expired, or held under the fence `over`. False: another process holds it. */
  takeLease: (
    tx: T,
    holder: LeaseHolder & { name: string; version: number },
    over: string,
    leaseSeconds: number,
  ) => Promise<boolean>
  /** Records the generation that the rebuild creates. */
  nameGeneration: (tx: T, name: string, generation: number) => Promise<void>
  /** Renews the lease, and locks its row until the transaction ends. False: the lease was taken over. */
  renewLease: (tx: T, name: string, lease: RebuildLease) => Promise<boolean>
  releaseLease: (tx: T, name: string, lease: RebuildLease) => Promise<void>
}
