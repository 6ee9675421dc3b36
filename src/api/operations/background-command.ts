/** How far a command has come; `total` null: not known yet. */
export type CommandProgress = {
  step: string
  done: number
  total: number | null
  perSecond: number
  remainingMs: number | null
}

/** One run of a command. */
export type CommandRun = {
  state: 'running' | 'ended' | 'cancelled'
  /** Its subject, such as the name of a read model; null: it has none. */
  about: string | null
  startedBy: string
  startedAtMs: number
  endedAtMs: number | null
  progress: CommandProgress | null
  /** The JSON values that it printed: the first ones, as many as are kept, and the last one. */
  results: readonly unknown[]
  /** Why it failed; null: it did not, or not yet. */
  failure: { code: string; message: string } | null
}

/**
 * A long command of the command line, as a process of its own next to the server: answers that stream do not wait for it. One runs at a
 * time, and ends with the server.
 */
export type BackgroundCommand = {
  /** The newest run since the server started; null: there was none. */
  latest: () => CommandRun | null
  /** False: one is running. */
  start: (args: readonly string[], run: Pick<CommandRun, 'about' | 'startedBy'>) => boolean
  /** Ends the running one. Resolves when its process has ended; false: none is running. */
  cancel: () => Promise<boolean>
}
