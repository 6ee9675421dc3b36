/** What a process of a round is told: its one argument, as JSON. */
export type ChildOptions = {
  /** Unlike that of every other process of the round, those before it in the same part included. */
  name: string
  /** Through a proxy of its own. */
  redisUrl: string
  databaseUrl: string
  councilId: string
  historyFile: string
  seed: number
  /** Makes what the load takes for granted. */
  begins: boolean
}

export const childOptions = (): ChildOptions => JSON.parse(process.argv[2] ?? '{}') as ChildOptions

/** So long a worker keeps a job without a sign of life. */
export const leaseMs = 1_500
