import { treasuryStream } from '../../../src/events/treasury.ts'
import { account, isExpired, type Account, type LiveAccount } from '../../../src/commands/aggregates/account.ts'
import { isAccountEvent } from '../../../src/events/account.ts'
import type { AnyRecordedEvent } from '../../../src/events/catalogue.ts'
import { arrivesAtFrozen } from '../../support/bounty-rules.ts'
import { violation, type Violation } from './violation.ts'

const mayBeNegative: ReadonlySet<string> = new Set(['external', 'overrun'])
const startsSpending: ReadonlySet<string> = new Set(['AccountDebited', 'AccountCredited', 'FundsReserved'])

/**
 * The rules of the treasury over the whole log: the sum is zero after every command, only `external` and `overrun` are
 * negative, reservations do not exceed the balance, no reservation is resolved twice, and frozen accounts do not move
 * money.
 */
export function checkLedger(events: readonly AnyRecordedEvent[]): Violation[] {
  const found: Violation[] = []
  const states = new Map<string, Account>()
  let isTreasuryFrozen = false
  let latest = ''
  events.forEach((event, index) => {
    const { stream, position, metadata } = event
    if (stream === treasuryStream) isTreasuryFrozen = event.type === 'TreasuryFrozen'
    if (!stream.startsWith('account/')) return
    // Clocks differ between processes: a reservation has expired for all of them once it has expired for one.
    if (metadata.occurredAt > latest) latest = metadata.occurredAt
    const before = states.get(stream) ?? account.initial
    const where = `${event.type} on ${stream} at ${position}`
    const isFrozen = before.status === 'frozen' && !arrivesAtFrozen(event)
    if (isSpending(event) && (isTreasuryFrozen || isFrozen)) found.push(violation('moved while frozen', where))
    try {
      if (!isAccountEvent(event)) throw new Error('not an event of an account')
      states.set(stream, account.evolve(before, event))
    } catch (error) {
      found.push(violation('ledger', `${where}: ${String(error)}`))
    }
    if (events[index + 1]?.metadata.commandId === metadata.commandId) return
    const sum = [...states.values()].reduce(
      (total, state) => total + (state.status === 'absent' ? 0 : state.balanceMicros),
      0,
    )
    if (sum !== 0) found.push(violation('ledger', `the accounts sum up to ${sum} after ${where}`))
    for (const state of states.values())
      if (state.status !== 'absent') found.push(...checkAccount(state, latest, where))
  })
  return found
}

/** The reasons of a movement that pays an incurred cost. */
const incurred: ReadonlySet<string> = new Set(['settles a reservation', 'pays a model call'])
/** An incurred cost is paid from a frozen account too; every other debit, credit and reservation is a decision. */
const isSpending = ({ type, data }: AnyRecordedEvent): boolean =>
  startsSpending.has(type) && !('reason' in data && data.reason !== undefined && incurred.has(data.reason))

function checkAccount(
  { accountId, balanceMicros, reservations }: LiveAccount,
  now: string,
  where: string,
): Violation[] {
  if (mayBeNegative.has(accountId)) return []
  if (balanceMicros < 0) return [violation('overdrawn', `${accountId} has ${balanceMicros} after ${where}`)]
  let promised = 0
  for (const reservation of Object.values(reservations))
    if (!isExpired(reservation, now)) promised += reservation.amountMicros
  return promised > balanceMicros
    ? [violation('promised too much', `${accountId} has ${balanceMicros} and promises ${promised} after ${where}`)]
    : []
}
