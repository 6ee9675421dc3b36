import type { RecordedEvent } from '../../src/events/event.ts'
import type { EventLog, ReadOptions } from '../../src/events/log/log.ts'

/** A log that the contract is run against, and what may befall it. */
export type LogSubject = {
  /** The same log in another process. */
  open: () => Promise<EventLog>
  /** Entries of the queue of jobs, the oldest first. */
  jobs: () => Promise<{ entry: string; kind: string; stream: string; position: string }[]>
  /** Another log, of its own, for a test that breaks it. */
  another: () => Promise<LogSubject>
  /** Comes back without its newest event. */
  loseNewest: () => Promise<void>
  /** Another log is in its place. */
  replace: () => Promise<void>
  /** An append has half written it. */
  halt: () => Promise<void>
  close: () => void
}

/** Its events, page after page, as one list. */
export async function everythingIn(log: EventLog, options?: ReadOptions): Promise<RecordedEvent[]> {
  const all: RecordedEvent[] = []
  for await (const page of log.read(options)) all.push(...page)
  return all
}
