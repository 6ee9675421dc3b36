import { sql } from 'kysely'
import { z } from 'zod'
import { Position } from '../../events/identifiers.ts'
import type { Tx } from './projection.ts'
import { leaseSeconds } from './rebuild-lease.ts'
import { IntegerColumn, TimeColumn } from './rows.ts'

/** The registry's row of a read model. */
export type Standing = {
  name: string
  version: number
  generation: number
  position: Position
  sequence: number
  updatedAt: string
}
/** A process that rebuilds a read model. */
export type RunningRebuild = { name: string; version: number; host: string; pid: number; startedAt: string }

const Standings = z.array(
  z.object({
    name: z.string(),
    version: IntegerColumn,
    generation: IntegerColumn,
    position: Position,
    sequence: IntegerColumn,
    updatedAt: TimeColumn,
  }),
)
const Rebuilds = z.array(
  z.object({ name: z.string(), version: IntegerColumn, host: z.string(), pid: IntegerColumn, startedAt: TimeColumn }),
)

/** How the built read models stand, wherever their projectors run, and the rebuilds that go on. */
export async function loadStandings(tx: Tx): Promise<{ standings: Standing[]; rebuilds: RunningRebuild[] }> {
  const built = await sql`
    select name, version, generation, position, sequence, updated_at as "updatedAt" from projections`.execute(tx)
  const rebuilds = await sql`
    select name, version, host, pid, started_at as "startedAt" from projection_rebuilds
    where touched_at > clock_timestamp() - make_interval(secs => ${leaseSeconds})`.execute(tx)
  return { standings: Standings.parse(built.rows), rebuilds: Rebuilds.parse(rebuilds.rows) }
}
