import { sql } from 'kysely'
import { z } from 'zod'
import type { Tx } from './projection.ts'
import { IntegerColumn } from './rows.ts'

/** The right to build the next generation of one projection. A holder whose lease was taken over has an outdated `fence`, and cannot write. */
export type RebuildLease = { fence: string; generation: number }

const Holder = z.object({ host: z.string(), pid: IntegerColumn, fence: z.string(), started_at: z.coerce.date() })

/** The holder of a lease. `startedAt` is the database's time; null until the lease is stored. */
export type LeaseHolder = { host: string; pid: number; fence: string; startedAt: Date | null }

/** The holder of a projection's rebuild lease, if there is one. */
export async function loadHolder(tx: Tx, name: string): Promise<LeaseHolder | undefined> {
  const { rows } = await sql`select host, pid, fence, started_at from projection_rebuilds where name = ${name}`.execute(
    tx,
  )
  if (rows.length === 0) return undefined
  const { started_at: startedAt, ...holder } = Holder.parse(rows[0])
  return { ...holder, startedAt }
}

/** Takes the rebuild lease if it is free, expired, or held under the fence `over`. False: another process holds it. */
export async function takeLease(
  tx: Tx,
  { name, version, fence, host, pid }: LeaseHolder & { name: string; version: number },
  over: string,
  leaseSeconds: number,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into projection_rebuilds (name, generation, version, fence, host, pid, started_at, touched_at)
    values (${name}, 0, ${version}, ${fence}, ${host}, ${pid}, clock_timestamp(), clock_timestamp())
    on conflict (name) do update set
      version = excluded.version, fence = excluded.fence, host = excluded.host, pid = excluded.pid,
      started_at = excluded.started_at, touched_at = excluded.touched_at
    where projection_rebuilds.fence = ${over} or projection_rebuilds.touched_at < clock_timestamp() - make_interval(secs => ${leaseSeconds})`.execute(
    tx,
  )
  return numAffectedRows === 1n
}

/** Records the generation that the rebuild creates. */
export async function nameGeneration(tx: Tx, name: string, generation: number): Promise<void> {
  await sql`update projection_rebuilds set generation = ${generation} where name = ${name}`.execute(tx)
}

/** Renews the lease, and locks its row until the transaction ends. False: the lease was taken over. */
export async function renewLease(tx: Tx, name: string, { fence }: RebuildLease): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update projection_rebuilds set touched_at = clock_timestamp() where name = ${name} and fence = ${fence}`.execute(tx)
  return numAffectedRows === 1n
}

/** Releases the lease. */
export async function releaseLease(tx: Tx, name: string, { fence }: RebuildLease): Promise<void> {
  await sql`delete from projection_rebuilds where name = ${name} and fence = ${fence}`.execute(tx)
}
