import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import type { Position, StreamName, Uuid7 } from '../../../src/events/identifiers.ts'
import type { Job } from '../../../src/events/log/jobs/job-queue.ts'
import { readStored, type StoredEvent } from '../../../src/events/log/read/stored-event.ts'

/** An entry of the log, parsed and checked on the first read. */
export type Entry = { stored: StoredEvent; read: () => AnyRecordedEvent }

export function entryOf(stored: StoredEvent): Entry {
  let event: AnyRecordedEvent | undefined
  return { stored, read: () => (event ??= readStored(stored)) }
}

/** A hash that expires: one hour of command ids or finished streams. */
type Hour = { expiresAtMs: number; fields: Map<string, string> }

/** Everything that a Redis holds of one council, under the names of `LogKeys`. */
export type Held = {
  incarnation: string
  sequence: number
  halted: string | null
  entries: Entry[]
  lastPosition: Position
  /** The newest token of the scheduler's lease. */
  fence: number
  lease: { holder: string; untilMs: number } | null
  states: Map<string, string>
  deadlines: Map<StreamName, number>
  /** The hashes of command ids and finished streams, by key. */
  hours: Map<string, Hour>
  work: Job[]
  lastJob: Position
  callersKeys: Map<string, { commandId: Uuid7; expiresAtMs: number }>
}

export const emptyLog = (incarnation: string): Held => ({
  incarnation,
  sequence: 0,
  halted: null,
  entries: [],
  lastPosition: '0-0' as Position,
  fence: 0,
  lease: null,
  states: new Map(),
  deadlines: new Map(),
  hours: new Map(),
  work: [],
  lastJob: '0-0' as Position,
  callersKeys: new Map(),
})

/** A copy that later appends do not change. */
export const copyOf = (held: Held): Held => ({
  ...held,
  entries: [...held.entries],
  states: new Map(held.states),
  deadlines: new Map(held.deadlines),
  hours: new Map(
    [...held.hours].map(([key, { expiresAtMs, fields }]) => [key, { expiresAtMs, fields: new Map(fields) }]),
  ),
  work: [...held.work],
  callersKeys: new Map(held.callersKeys),
})

export function fieldOf({ hours }: Held, key: string, field: string, nowMs: number): string | undefined {
  const hour = hours.get(key)
  return hour && hour.expiresAtMs > nowMs ? hour.fields.get(field) : undefined
}

/** HSET, and PEXPIRE with NX. */
export function remember(
  { hours }: Held,
  key: string,
  field: string,
  value: string,
  nowMs: number,
  keepMs: number,
): void {
  let hour = hours.get(key)
  if (!hour || hour.expiresAtMs <= nowMs) {
    hour = { expiresAtMs: nowMs + keepMs, fields: new Map() }
    hours.set(key, hour)
  }
  hour.fields.set(field, value)
}

/** The id that XADD assigns: above the newest one, even if the clock went back. */
export function nextPosition(last: Position, nowMs: number): Position {
  const dash = last.indexOf('-')
  const lastMs = Number(last.slice(0, dash))
  return (nowMs > lastMs ? `${nowMs}-0` : `${lastMs}-${Number(last.slice(dash + 1)) + 1}`) as Position
}
