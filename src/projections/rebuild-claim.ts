import { sql } from 'kysely'
import { z } from 'zod'
import { loadRegistered } from './checkpoint.ts'
import { ProjectionError } from './faults.ts'
import { createGeneration, dropOtherGenerations, generationsOf } from './generations.ts'
import type { Database, Projection, Tx } from './projection.ts'
import { IntegerColumn } from './rows.ts'

/** Who rebuilds. A process that is seen to be dead loses its claim at once; one that cannot be seen, when it has been silent for the lease. */
export type Rebuilder = {
  host: string
  pid: number
  /** Whether a process of this host still runs. */
  isAlive: (pid: number) => boolean
  /** Names this very claim, so that one who was taken over cannot write any more. */
  newFence: () => string
}

/** The right to build the next generation of one projection. */
export type RebuildClaim = { fence: string; generation: number }

/** A claim that was not touched for so long is given up; every batch of a rebuild touches it. */
const leaseSeconds = 30

const Holder = z.object({ host: z.string(), pid: IntegerColumn, fence: z.string(), started_at: z.coerce.date() })

/**
 * Takes the right to rebuild, removes what a crashed rebuild has left, and makes the next generation, empty.
 * A row and not a lock of the session, because the embedded Postgres has one session for all its clients.
 * Throws ProjectionError `rebuild_running` or `projection_of_newer_program`.
 */
export async function claimRebuild(database: Database, projection: Projection, rebuilder: Rebuilder): Promise<RebuildClaim> {
  const { name, version } = projection
  return database.transaction(async (tx) => {
    const registered = await loadRegistered(tx, name)
    if (registered && registered.version > version) throw newerProgram(name, registered.version, version)
    const holder = await currentHolder(tx, name)
    const dead = holder && holder.host === rebuilder.host && !rebuilder.isAlive(holder.pid) ? holder.fence : ''
    const fence = rebuilder.newFence()
    const { numAffectedRows } = await sql`
      insert into projection_rebuilds (name, generation, version, fence, host, pid, started_at, touched_at)
      values (${name}, 0, ${version}, ${fence}, ${rebuilder.host}, ${rebuilder.pid}, clock_timestamp(), clock_timestamp())
      on conflict (name) do update set
        version = excluded.version, fence = excluded.fence, host = excluded.host, pid = excluded.pid,
        started_at = excluded.started_at, touched_at = excluded.touched_at
      where projection_rebuilds.fence = ${dead} or projection_rebuilds.touched_at < clock_timestamp() - make_interval(secs => ${leaseSeconds})`.execute(
      tx,
    )
    if (numAffectedRows !== 1n) throw running(name, holder)

    const generation = Math.max(registered?.generation ?? 0, ...(await generationsOf(tx, name))) + 1
    await dropOtherGenerations(tx, name, registered?.generation)
    await createGeneration(tx, projection, generation)
    await sql`update projection_rebuilds set generation = ${generation} where name = ${name}`.execute(tx)
    return { fence, generation }
  })
}

/** Says that the rebuild is under way, and keeps others out until the transaction ends. False: the claim was taken over. */
export async function touchClaim(tx: Tx, name: string, { fence }: RebuildClaim): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update projection_rebuilds set touched_at = clock_timestamp() where name = ${name} and fence = ${fence}`.execute(tx)
  return numAffectedRows === 1n
}

/** Gives the claim back when the rebuild is done. */
export async function releaseClaim(tx: Tx, name: string, { fence }: RebuildClaim): Promise<void> {
  await sql`delete from projection_rebuilds where name = ${name} and fence = ${fence}`.execute(tx)
}

/** Gives the claim back when the rebuild has failed, with everything that it had built. */
export async function abandonClaim(database: Database, name: string, claim: RebuildClaim): Promise<void> {
  await database.transaction(async (tx) => {
    if (!(await touchClaim(tx, name, claim))) return
    const registered = await loadRegistered(tx, name)
    await dropOtherGenerations(tx, name, registered?.generation)
    await releaseClaim(tx, name, claim)
  })
}

export const newerProgram = (name: string, stored: number, known: number): ProjectionError =>
  new ProjectionError(
    'projection_of_newer_program',
    `${name} was built as version ${stored}, this program knows version ${known}: run the newer program`,
  )

async function currentHolder(tx: Tx, name: string): Promise<z.output<typeof Holder> | undefined> {
  const { rows } = await sql`select host, pid, fence, started_at from projection_rebuilds where name = ${name}`.execute(tx)
  return rows.length === 0 ? undefined : Holder.parse(rows[0])
}

const running = (name: string, holder: z.output<typeof Holder> | undefined): ProjectionError =>
  new ProjectionError(
    'rebuild_running',
    `${name} is being rebuilt already${holder ? ` by process ${holder.pid} on ${holder.host}, since ${holder.started_at.toISOString()}` : ''}; ` +
      `if that process is gone, try again in ${leaseSeconds} seconds`,
  )
