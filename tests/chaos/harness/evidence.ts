import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { StreamName, Uuid7, type Position, type Principal } from '../../../src/events/identifiers.ts'
import type { LogIdentity } from '../../../src/events/log/archive/chain.ts'
import type { StoredState } from '../../../src/events/log/log.ts'
import type { StoredEvent } from '../../../src/events/log/read/stored-event.ts'
import type { AccountRow } from '../../../src/projections/accounts.ts'
import type { ChatRow } from '../../../src/projections/chats.ts'
import type { CostRow } from '../../../src/projections/costs.ts'
import type { TestCouncil } from '../../support/council.ts'

/** What the council remembers of a command, and where that leads. */
export type Remembered = { principal: Principal; commandId: string; known: { first: Position; last: Position } | null }

/** Everything that is there when a round is over. */
export type Evidence = {
  events: readonly AnyRecordedEvent[]
  /** Of the log: the last number that it has given, and why it stands still, if it does. */
  sequence: number
  halted: string | null
  /** Of every stream that is in the log. */
  states: readonly StoredState[]
  /** Of every command that is in the log. */
  remembered: readonly Remembered[]
  /** Streams of the jobs that are left. */
  jobs: readonly string[]
  archived: Archived
  readModels: ReadModels
}

/** The log as it was written, on Redis and in the archive; heads of the chain are hexadecimal. */
export type Archived = {
  identity: LogIdentity
  hot: readonly StoredEvent[]
  archived: readonly (StoredEvent & { chainHead: string })[]
}

export type ReadModels = { chats: readonly ChatRow[]; accounts: readonly AccountRow[]; costs: readonly CostRow[] }

/** Looks at the log as it is now; nobody may write to it meanwhile. */
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
