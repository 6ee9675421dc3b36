/** The options of a process of a round: its one argument, as JSON. */
export type ChildOptions = {
  /** Unique in the round, also among the processes of one part. */
  name: string
  /** Through a proxy of its own. */
  redisUrl: string
  databaseUrl: string
  councilId: string
  historyFile: string
  seed: number
  /** Whether it opens the accounts of the load. */
  begins: boolean
}

export const childOptions = (): ChildOptions => JSON.parse(process.argv[2] ?? '{}') as ChildOptions

/** The time after which another worker may take the job of a silent one. */
export const leaseMs = 1_500
