import { sql } from 'kysely'
import { z } from 'zod'
import type { Postgres } from '../../../platform/postgres/postgres.ts'
import { LogStopped } from '../log.ts'

const safe: Record<string, readonly string[]> = {
  fsync: ['on'],
  synchronous_commit: ['on', 'local', 'remote_write', 'remote_apply'],
}

const Settings = z.array(
  z.object({ name: z.string(), setting: z.string(), source: z.string(), role: z.string(), database: z.string() }),
)

/** The settings of a PostgreSQL that can lose commits in a power failure, each with the exact statements that fix it. */
export async function unsafeSettings({ snapshot }: Pick<Postgres<unknown>, 'snapshot'>): Promise<string[]> {
  const { rows } = await snapshot((tx) =>
    sql`select name, setting, source, current_user as role, current_database() as database from pg_settings where name in ('fsync', 'synchronous_commit')`.execute(
      tx,
    ),
  )
  return Settings.parse(rows)
    .filter(({ name, setting }) => !safe[name]?.includes(setting))
    .map((wrong) => `${wrong.name} is ${wrong.setting}: ${fixOf(wrong)}`)
}

/** A setting of a role or a database overrides the one of the server. */
function fixOf({ name, source, role, database }: z.output<typeof Settings>[number]): string {
  const fix = `ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf();`
  if (source === 'user' || source === 'database user') return `ALTER ROLE "${role}" RESET ${name}; ${fix}`
  if (source === 'database') return `ALTER DATABASE "${database}" RESET ${name}; ${fix}`
  return fix
}

/** Refuses DURABILITY=archived on an archive that is not crash-safe. Throws LogStopped `not_durable`. */
export async function assertCrashSafe(
  postgres: Pick<Postgres<unknown>, 'snapshot'>,
  { isEmbedded }: { isEmbedded: boolean },
): Promise<void> {
  if (isEmbedded)
    throw new LogStopped(
      'not_durable',
      'DURABILITY=archived needs a real PostgreSQL, the embedded one is not crash-safe: set DATABASE_URL, or DURABILITY=fsync',
    )
  const wrong = await unsafeSettings(postgres)
  if (wrong.length > 0)
    throw new LogStopped(
      'not_durable',
      `this PostgreSQL would lose acknowledged events (DURABILITY=archived): ${wrong.join(' ')}`,
    )
}
