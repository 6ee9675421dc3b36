import { account, type LiveAccount } from '../../src/commands/aggregates/account.ts'
import {
  aggregateOfRead,
  type Aggregate,
  type CommandDefinition,
  type Decision,
  type Event,
  type ReadSet,
  type StatesOf,
} from '../../src/commands/decider.ts'
import type { AccountEvent } from '../../src/events/account.ts'
import { AccountId, Uuid7, type StreamName, Principal } from '../../src/events/identifiers.ts'

const ada = Principal.parse('ada')

/** Parses the name of an account. */
export const id = (name: string): AccountId => AccountId.parse(name)

/** The nth reservation of a test. */
export const reservation = (n: number): Uuid7 =>
  Uuid7.parse(`0199a0b0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`)

/** Events of an account. */
export const opened = (name: string): AccountEvent => ({ type: 'AccountOpened', data: { accountId: id(name) } })
export const credited = (amountMicros: number): AccountEvent => ({
  type: 'AccountCredited',
  data: { transferId: 'seed', amountMicros, reason: 'seed' },
})
export const debited = (amountMicros: number, day: string): AccountEvent => ({
  type: 'AccountDebited',
  data: { transferId: 'spent', amountMicros, reason: 'spent', day },
})
export const reserved = (
  reservationId: Uuid7,
  amountMicros: number,
  expiresAt = '2026-11-23T13:00:00.000Z',
): AccountEvent => ({ type: 'FundsReserved', data: { reservationId, amountMicros, expiresAt } })
export const limited = (dailyMicros: number, perActionMicros: number): AccountEvent => ({
  type: 'AccountLimitsSet',
  data: { dailyMicros, perActionMicros },
})
export const frozen: AccountEvent = { type: 'AccountFrozen', data: { reason: 'audit' } }

/** The account after these events. */
export function after(...events: AccountEvent[]): LiveAccount {
  const state = events.reduce((held, event) => account.evolve(held, event), account.initial)
  if (state.status === 'absent') throw new Error('the events never open the account')
  return state
}

/** A treasury in memory: decides each command on the result of the previous ones, as the gate does. */
export function treasuryInMemory() {
  const states = new Map<StreamName, unknown>()
  const log: { stream: StreamName; event: Event }[] = []
  return {
    log,
    /** The state of a stream; undefined before its first event. */
    stateOf: (stream: StreamName): unknown => states.get(stream),
    /** Every account with an event. */
    accounts: (): LiveAccount[] =>
      [...states].filter(([stream]) => stream.startsWith('account/')).map(([, state]) => state as LiveAccount),
    perform<C, Reads extends ReadSet>(
      definition: CommandDefinition<C, Reads>,
      command: NoInfer<C>,
      now: string,
    ): Decision<Reads> {
      const streams: Record<string, StreamName | null | readonly StreamName[]> = definition.reads(command)
      const single = (alias: string): StreamName | undefined => {
        const stream = streams[alias]
        return typeof stream === 'string' ? stream : undefined
      }
      const aggregates = Object.entries(definition.aggregates).map(
        ([alias, read]) => [alias, aggregateOfRead(read)] as const,
      )
      const stateOf = (alias: string, { initial }: Aggregate<unknown>): unknown =>
        states.get(single(alias) ?? ('' as StreamName)) ?? initial
      const read = Object.fromEntries(aggregates.map(([alias, aggregate]) => [alias, stateOf(alias, aggregate)]))
      const decision = definition.decide(command, read as StatesOf<Reads>, { now, principal: ada })
      if (decision.outcome === 'refused') return decision
      const events: Record<string, readonly Event[] | undefined> = decision.events as never
      for (const [alias, aggregate] of aggregates)
        for (const event of events[alias] ?? []) {
          const stream = single(alias)
          if (!stream) throw new Error(`${definition.name} writes to ${alias}, which it did not read`)
          states.set(stream, aggregate.evolve(stateOf(alias, aggregate), event))
          log.push({ stream, event })
        }
      return decision
    },
  }
}
