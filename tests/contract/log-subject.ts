import type { AnyRecordedEvent } from '../../src/events/catalogue.ts'
import type { EventLog, ReadOptions } from '../../src/events/log/log.ts'

/** A log under the contract tests, with faults to inject. */
export type LogSubject = {
  /** The same log in another process. */
  open: () => Promise<EventLog>
  /** The entries of the job queue, oldest first. */
  jobs: () => Promise<{ entry: string; kind: string; stream: string; position: string }[]>
  /** A separate log for a test that breaks it. */
  another: () => Promise<LogSubject>
  /** Removes the newest event, as a Redis that lost its tail. */
  loseNewest: () => Promise<void>
  /** Replaces the log by another one. */
  replace: () => Promise<void>
  /** Halts the log, as after a partial append. */
  halt: () => Promise<void>
  close: () => void
}

/** All events of a log. */
export async function everythingIn(log: EventLog, options?: ReadOptions): Promise<AnyRecordedEvent[]> {
  const all: AnyRecordedEvent[] = []
  for await (const page of log.read(options)) all.push(...page)
  return all
}
