import type { z } from 'zod'
import type { StreamName } from '../events/identifiers.ts'
import type { Refusal } from './refusals.ts'

/** An event as a decision makes it, before it has a place in the log. */
export type Event = { type: string; data: unknown }

/** How one kind of aggregate is folded from its events. Pure; `evolve` is total over the events of its streams. */
export type Aggregate<State, E extends Event = Event, Category extends string = string> = {
  /** The part before the slash in the names of its streams. */
  category: Category
  /** Set where the aggregate has a single stream. */
  onlyStream?: StreamName<Category>
  /** Raised whenever the state's shape or `evolve` changes: stored states of an older version are folded again. */
  stateVersion: number
  initial: State
  /** The state after the last event that a stream ever has: `evolve` returns this very value. Only for streams named by a UUIDv7. */
  finished?: State
  /** Only remembered, never decided on: any revision may be appended to, and no state is kept. */
  history?: true
  /** What the workers still have to do for a stream in this state: how a lost queue of jobs is made anew. */
  unfinishedJob?(state: State): JobRequest['kind'] | null
  /** A method, so that aggregates of different states fit into one read set; the gate hands each only its own. */
  evolve(state: State, event: E): State
}

/** A job that the append hands to the workers together with the events. */
export type JobRequest = { kind: 'answer'; on: StreamName }

/** What a command leads to: events for the aggregates it read, or a refusal with a stable code and the figures that explain it. */
export type Decision<Reads extends ReadSet> =
  | {
      outcome: 'accepted'
      events: { [Alias in keyof Reads]?: EventsOf<Reads[Alias]>[] }
      jobs?: JobRequest[]
      finishesJob?: string
    }
  | Refusal

/** The aggregates that a decision looks at, each under a name of its own. */
export type ReadSet = Record<string, Aggregate<unknown>>
export type StatesOf<Reads extends ReadSet> = { [Alias in keyof Reads]: Reads[Alias]['initial'] }
type EventsOf<A extends Aggregate<unknown>> = Parameters<A['evolve']>[1]

/**
 * A command: its shape, which aggregates it reads, and the pure decision. Time comes in as `now`
 * (ISO 8601 UTC); there is no clock, no randomness and no input or output in here.
 */
export type CommandDefinition<C, Reads extends ReadSet> = {
  name: string
  schema: z.ZodType<C>
  aggregates: Reads
  /** Makes new work: turned away while the log's memory is nearly used up, so that what has begun can still end. */
  startsWork?: true
  /** Over money, mode and approvals: a refusal is an event, and the command stays refused under its id. */
  recordsRefusals?: true
  /** Null: this command does not look at that aggregate; its state is then the initial one, and nothing may be written to it. */
  reads: (command: C) => { [Alias in keyof Reads]: StreamName<Reads[Alias]['category']> | null }
  decide: (command: C, states: StatesOf<Reads>, context: { now: string; principal: string }) => Decision<Reads>
}

/** Defines a command over the aggregates that it reads: `commandOver({ chat, budget })({ name, schema, reads, decide })`. */
export const defineCommand =
  <Reads extends ReadSet>(aggregates: Reads) =>
  <C>(definition: Omit<CommandDefinition<C, Reads>, 'aggregates'>): CommandDefinition<C, Reads> => ({
    ...definition,
    aggregates,
  })
