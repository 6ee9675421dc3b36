import type { LeaseHolder, RebuildLease } from './lease-rows.ts'
import { ProjectionError } from './projection-error.ts'
import type { Projection } from './projection.ts'
import type { ReadModelStore } from './store.ts'

/** The process that rebuilds. A dead process on this host loses its lease at once; a process elsewhere when the lease expires. */
export type Rebuilder = {
  host: string
  pid: number
  /** Whether a process of this host is running. */
  isAlive: (pid: number) => boolean
  /** A unique token per lease: a process whose lease was taken over can no longer write. */
  newFence: () => string
}

/** Every batch of a rebuild renews the lease; without renewal it expires after this time. */
export const leaseSeconds = 30

/**
 * Takes the rebuild lease, removes the remains of a crashed rebuild, and creates the next generation, empty.
 * The lease is a row, not a session lock: the embedded Postgres has one session for all its clients.
 * Throws ProjectionError `rebuild_running` or `projection_of_newer_program`.
 */
export async function leaseRebuild<T>(
  store: ReadModelStore<T>,
  projection: Projection<T>,
  rebuilder: Rebuilder,
): Promise<RebuildLease> {
  const { name, version } = projection
  const { host, pid } = rebuilder
  return store.transaction(async (tx) => {
    const registered = await store.loadRegistered(tx, name)
    if (registered && registered.version > version) throw newerProgram(name, registered.version, version)
    const holder = await store.loadHolder(tx, name)
    const dead = holder && holder.host === host && !rebuilder.isAlive(holder.pid) ? holder.fence : ''
    const fence = rebuilder.newFence()
    if (!(await store.takeLease(tx, { name, version, fence, host, pid, startedAt: null }, dead, leaseSeconds)))
      throw running(name, holder)

    const generation = Math.max(registered?.generation ?? 0, ...(await store.generationsOf(tx, name))) + 1
    await store.dropOtherGenerations(tx, name, registered?.generation)
    await store.createGeneration(tx, projection, generation)
    await store.nameGeneration(tx, name, generation)
    return { fence, generation }
  })
}

/** Releases the lease of a failed rebuild, and drops the generation that it was building. */
export async function abandonRebuild<T>(store: ReadModelStore<T>, name: string, lease: RebuildLease): Promise<void> {
  await store.transaction(async (tx) => {
    if (!(await store.renewLease(tx, name, lease))) return
    const registered = await store.loadRegistered(tx, name)
    await store.dropOtherGenerations(tx, name, registered?.generation)
    await store.releaseLease(tx, name, lease)
  })
}

export const newerProgram = (name: string, stored: number, known: number): ProjectionError =>
  new ProjectionError(
    'projection_of_newer_program',
    `${name} was built as version ${stored}, this program knows version ${known}: run the newer program`,
  )

const running = (name: string, holder: LeaseHolder | undefined): ProjectionError =>
  new ProjectionError(
    'rebuild_running',
    `${name} is already being rebuilt${holder ? ` by process ${holder.pid} on ${holder.host}, since ${holder.startedAt?.toISOString() ?? 'just now'}` : ''}; ` +
      `if that process is gone, try again in ${leaseSeconds} seconds`,
  )
