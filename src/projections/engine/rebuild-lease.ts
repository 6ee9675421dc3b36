import type { LeaseHolder, RebuildLease } from './lease-rows.ts'
import { ProjectionError } from './projection-error.ts'
import type { Projection } from './projection.ts'
import type { ReadModelStore } from './store.ts'

/** Who rebuilds. A process that is seen to be dead loses its claim at once; one that cannot be seen, when it has been silent for the lease. */
export type Rebuilder = {
  host: string
  pid: number
  /** Whether a process of this host still runs. */
  isAlive: (pid: number) => boolean
  /** Names this very claim, so that one who was taken over cannot write any more. */
  newFence: () => string
}

/** A claim that was not touched for so long is given up; every batch of a rebuild touches it. */
const leaseSeconds = 30

/**
 * Takes the right to rebuild, removes what a crashed rebuild has left, and makes the next generation, empty.
 * A row and not a lock of the session, because the embedded Postgres has one session for all its clients.
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

/** Gives the claim back when the rebuild has failed, with everything that it had built. */
export async function abandonRebuild<T>(store: ReadModelStore<T>, name: string, claim: RebuildLease): Promise<void> {
  await store.transaction(async (tx) => {
    if (!(await store.renewLease(tx, name, claim))) return
    const registered = await store.loadRegistered(tx, name)
    await store.dropOtherGenerations(tx, name, registered?.generation)
    await store.releaseLease(tx, name, claim)
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
    `${name} is being rebuilt already${holder ? ` by process ${holder.pid} on ${holder.host}, since ${holder.startedAt?.toISOString() ?? 'just now'}` : ''}; ` +
      `if that process is gone, try again in ${leaseSeconds} seconds`,
  )
