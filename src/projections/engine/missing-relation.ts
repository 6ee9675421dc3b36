const undefinedTable = '42P01'
const invalidSchemaName = '3F000'

/** Whether a table or a schema does not exist. */
export const isMissingRelation = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === undefinedTable || error.code === invalidSchemaName)
