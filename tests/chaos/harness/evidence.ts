import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { StreamName, Uuid7, type Position, type Principal } from '../../../src/events/identifiers.ts'
import type { LogIdentity } from '../../../src/events/log/archive/chain.ts'
import type { StoredState } from '../../../src/events/log/log.ts'
import type { StoredEvent } from '../../../src/events/log/read/stored-event.ts'
import type { MemoryTables } from '../../../src/projections/engine/read-model.ts'
import type { TestCouncil } from '../../support/council.ts'

/** A remembered command with its positions; `known` is null if the council has forgotten it. */
export type Remembered = { principal: Principal; commandId: string; known: { first: Position; last: Position } | null }

/** The stored data at the end of a round. */
export type Evidence = {
  events: readonly AnyRecordedEvent[]
  /** The last sequence that the log has assigned, and the reason if it is halted. */
  sequence: number
  halted: string | null
  /** One per stream of the log. */
  states: readonly StoredState[]
  /** One per command of the log. */
  remembered: readonly Remembered[]
  /** The streams of the remaining jobs. */
  jobs: readonly string[]
  archived: Archived
  /** The tables of all read models. */
  readModels: MemoryTables
}

/** The log as it was written, on Redis and in the archive; heads of the chain are hexadecimal. */
export type Archived = {
  identity: LogIdentity
  hot: readonly StoredEvent[]
  archived: readonly (StoredEvent & { chainHead: string })[]
}

/** Reads the current log, to which no process may write. */
export async function collectEvidence(
  { redis, keys, log, events: readAll }: TestCouncil,
  { archived, readModels }: Pick<Evidence, 'archived' | 'readModels'>,
): Promise<Evidence> {
  const events = await readAll()
  const [sequence, halted] = await redis.hmget(keys.meta, 'sequence', 'halted')
  const streams = [...new Set(events.map(({ stream }) => stream))]
  const commands = new Map(
    events.map(({ metadata: { actor, commandId } }) => [`${actor} ${commandId}`, { principal: actor, commandId }]),
  )
  const remembered: Remembered[] = []
  for (const command of commands.values())
    remembered.push({ ...command, known: await log.findCommand(command.principal, Uuid7.parse(command.commandId)) })
  const work = await redis.xrange(keys.work, '-', '+')
  return {
    events,
    sequence: Number(sequence ?? 0),
    halted: halted ?? null,
    states: await log.loadStates(streams),
    remembered,
    jobs: work.map(([, fields]) => StreamName.parse(fields[fields.indexOf('stream') + 1])),
    archived,
    readModels,
  }
}
