import { expect } from 'vitest'
import {
  aggregateOfRead,
  type CommandDefinition,
  type Decision,
  type Event,
  type JobRequest,
  type ReadSet,
  type StatesOf,
} from '../../src/commands/decider.ts'
import { Principal } from '../../src/events/identifiers.ts'
import type { RefusalCode } from '../../src/commands/refusals.ts'

const ada = Principal.parse('ada')

type Accepted<Reads extends ReadSet> = Extract<Decision<Reads>, { outcome: 'accepted' }>
type Events<Reads extends ReadSet> = {
  readonly [Alias in keyof Reads]?: Readonly<NonNullable<Accepted<Reads>['events'][Alias]>>
}
type Expected<AcceptedEvents> =
  | { accepted: AcceptedEvents; jobs?: readonly JobRequest[]; finishesJob?: string }
  | { refused: RefusalCode; details?: Record<string, string | number> }

/**
 * Tests one rule: `given(aggregates, events).when(Command, fields).then({ accepted: events } or { refused: code,
 * details })`.
 */
export const given = <const Reads extends ReadSet>(
  aggregates: Reads,
  events: Events<Reads>,
  now = '2026-11-23T12:00:00.000Z',
  principal = ada,
) => ({
  when<C>(definition: CommandDefinition<C, Reads>, command: NoInfer<C>) {
    const states = Object.fromEntries(
      Object.entries(aggregates).map(([alias, read]) => {
        const aggregate = aggregateOfRead(read)
        const hydrate = (ofStream: readonly Event[] = []) =>
          ofStream.reduce<unknown>((state, event) => aggregate.evolve(state, event), aggregate.initial)
        const before = events[alias] as readonly Event[] | ReadonlyMap<string, readonly Event[]> | undefined
        const isList = !('category' in read)
        return [
          alias,
          isList && !before
            ? new Map()
            : before && !('length' in before)
              ? new Map([...before].map(([stream, ofStream]) => [stream, hydrate(ofStream)]))
              : hydrate(before),
        ]
      }),
    ) as StatesOf<Reads>
    const decision = definition.decide(command, states, { now, principal })
    const outcome =
      decision.outcome === 'refused'
        ? { refused: decision.code, details: decision.details }
        : { accepted: decision.events, jobs: decision.jobs, finishesJob: decision.finishesJob }
    return {
      decision,
      /** Compares the whole outcome. */
      then: (expected: Expected<Events<Reads>>): void => expect(outcome).toEqual(expected),
      /** Compares only the fields that `expected` has. */
      thenMatches: (expected: Expected<{ [Alias in keyof Reads]?: unknown }>): void =>
        expect(outcome).toMatchObject(expected),
    }
  },
})
