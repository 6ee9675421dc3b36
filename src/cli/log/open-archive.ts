import { postgresArchive, type Archive } from '../../events/log/archive/archive.ts'
import type { Postgres } from '../../platform/postgres/postgres.ts'

const undefinedTable = '42P01'

/** The archive in a database; null when nothing was ever archived. */
export async function openArchive(postgres: Postgres<unknown>): Promise<Archive | null> {
  const archive = postgresArchive(postgres)
  try {
    return (await archive.checkpoint()) && archive
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === undefinedTable) return null
    throw error
  }
}
