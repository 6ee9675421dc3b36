import type { z } from 'zod'
import type { Stake } from '../events/approval.ts'
import type { Principal, StreamName } from '../events/identifiers.ts'
import type { Refusal, RefusalCode } from './refusals.ts'

/** An event that a decision returns; the log assigns its position. */
export type Event = { type: string; data: unknown }

/** How the gate hydrates one kind of aggregate from its events. Pure; `evolve` is total over the events of its streams. */
export type Aggregate<State, E extends Event = Event, Category extends string = string> = {
  /** The first segment of its stream names. */
  category: Category
  /** Set where the aggregate has a single stream. */
  onlyStream?: StreamName<Category>
  /** Raise it with every change to the state's shape or to `evolve`: the gate then hydrates stored states again. */
  stateVersion: number
  initial: State
  /** The state after the last event of a stream: `evolve` returns this very value. Only for streams named by a UUIDv7. */
  finished?: State
  /** An append-only stream: accepts events at any revision and has no state. */
  appendOnly?: true
  /** The kind of job that a stream in this state still needs; a restore rebuilds a lost job queue from it. */
  unfinishedJob?(state: State): JobKind | null
  /**
   * When the clock must next act on a stream in this state, in epoch ms; null: never. Pure, so that the index of deadlines follows from
   * the states; raise `stateVersion` with every change to it.
   */
  nextDeadlineMs?(state: State): number | null
  /** A method, so that aggregates with different states fit into one read set; the gate passes each its own state. */
  evolve(state: State, event: E): State
}

/** A job for the workers, appended together with the events. The worker has one handler for each kind. */
export type JobRequest = { kind: 'answer' | 'judge' | 'act'; on: StreamName }
export type JobKind = JobRequest['kind']

/** The result of a command: events for the aggregates that it reads, or a refusal with a stable code and details. */
export type Decision<Reads extends ReadSet> =
  | {
      outcome: 'accepted'
      events: { [Alias in keyof Reads]?: PerStream<Reads[Alias], EventsOf<Reads[Alias]>[]> }
      jobs?: JobRequest[]
      finishesJob?: string
    }
  | Refusal

/** What a command reads, by alias: one stream of an aggregate, or (`[aggregate]`) a list of its streams. */
export type ReadSet = Record<string, Aggregate<unknown> | ListRead>
type ListRead = readonly [Aggregate<unknown>]
type AggregateOf<Read> = Read extends readonly [infer A] ? A : Read
type StateOf<Read> = AggregateOf<Read> extends { initial: infer State } ? State : never
type EventsOf<Read> = AggregateOf<Read> extends { evolve: (state: never, event: infer E) => unknown } ? E : never
type StreamOf<Read> =
  AggregateOf<Read> extends { category: infer Category extends string } ? StreamName<Category> : never
/** A list has one value for each stream that the command reads. */
type PerStream<Read, Value> = Read extends ListRead ? ReadonlyMap<StreamOf<Read>, Value> : Value
export type StatesOf<Reads extends ReadSet> = { [Alias in keyof Reads]: PerStream<Reads[Alias], StateOf<Reads[Alias]>> }
/** Null: the command does not read this aggregate. The decision gets the initial state and must not write to it. */
type TargetOf<Read> = Read extends ListRead ? readonly StreamOf<Read>[] : StreamOf<Read> | null
export type StreamsOf<Reads extends ReadSet> = { [Alias in keyof Reads]: TargetOf<Reads[Alias]> }

export const aggregateOfRead = (read: Aggregate<unknown> | ListRead): Aggregate<unknown> =>
  'category' in read ? read : read[0]

/** Every stream that a command reads, with its aggregate. */
export function streamsRead(
  aggregates: ReadSet,
  streams: StreamsOf<ReadSet>,
): { stream: StreamName; aggregate: Aggregate<unknown> }[] {
  const reads: ReturnType<typeof streamsRead> = []
  for (const alias in streams) {
    const read = aggregates[alias]
    const target = streams[alias]
    if (!read || !target) continue
    const aggregate = aggregateOfRead(read)
    for (const stream of typeof target === 'string' ? [target] : target) reads.push({ stream, aggregate })
  }
  return reads
}

/**
 * A command: its schema, the aggregates that it reads, and a pure decision. The gate passes the time as `now` (ISO 8601 UTC);
 * a decision uses no clock, no randomness and no I/O.
 */
export type CommandDefinition<C, Reads extends ReadSet> = {
  name: string
  schema: z.ZodType<C>
  aggregates: Reads
  /** The command creates new work. The gate rejects it while the log's memory is nearly full, so that running work can finish. */
  startsWork?: true
  /** For money, mode and approvals: the gate records a refusal as an event, and the command id stays refused. A list of codes records these alone. */
  recordsRefusals?: true | readonly RefusalCode[]
  /** The field that takes the command's id. Clients do not send it. */
  idField?: string
  /** The field that takes the tokens of the authenticated request: its own, the issuer of that, and so on. Clients do not send it. */
  issuersField?: string
  /** What the command costs and risks if an agent executes it. Without this, agents may not execute it. */
  stake?: (command: C) => Stake
  /** The command checks the mode or an approval itself, so the gate does not govern it once more. */
  isGoverned?: true
  reads: (command: C) => StreamsOf<Reads>
  decide: (command: C, states: StatesOf<Reads>, context: { now: string; principal: Principal }) => Decision<Reads>
}

/** Defines a command over the aggregates that it reads: `defineCommand({ chat, budgets: [budget] })({ name, schema, reads, decide })`. */
export const defineCommand =
  <const Reads extends ReadSet>(aggregates: Reads) =>
  <C>(definition: Omit<CommandDefinition<C, Reads>, 'aggregates'>): CommandDefinition<C, Reads> => ({
    ...definition,
    aggregates,
  })
