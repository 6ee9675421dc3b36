import type { CommandDefinition, Decision, Event, ReadSet, StatesOf } from '../../src/commands/decider.ts'

/** Histories of the aggregates that a command reads, by their names in its read set. */
type Histories<Reads extends ReadSet> = { [Alias in keyof Reads]?: readonly Parameters<Reads[Alias]['evolve']>[1][] }

/** given(what happened).when(the command is asked for) is the decision: the whole test of a rule. */
export const given = <Reads extends ReadSet>(
  aggregates: Reads,
  histories: Histories<Reads>,
  now = '2026-11-23T12:00:00.000Z',
) => ({
  when: <C>(definition: CommandDefinition<C, Reads>, command: NoInfer<C>): Decision<Reads> => {
    const states = Object.fromEntries(
      Object.entries(aggregates).map(([alias, aggregate]) => {
        const history: readonly Event[] = histories[alias] ?? []
        return [alias, history.reduce((state: unknown, event) => aggregate.evolve(state, event), aggregate.initial)]
      }),
    ) as StatesOf<Reads>
    return definition.decide(command, states, { now, principal: 'ada' })
  },
})
