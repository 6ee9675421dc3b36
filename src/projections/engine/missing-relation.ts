const undefinedTable = '42P01'
const invalidSchemaName = '3F000'

/** Whether Postgres knows no such table, or no such schema. */
export const isMissingRelation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === undefinedTable || error.code === invalidSchemaName)
