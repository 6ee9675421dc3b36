import { treasuryStream } from '../../src/events/treasury.ts'
import { account, type Account } from '../../src/commands/aggregates/account.ts'
import { type AccountEvent, isAccountEvent } from '../../src/events/account.ts'
import type { RecordedEvent } from '../../src/events/event.ts'
import { arrivesAtFrozen } from '../support/bounty-rules.ts'

/** The reasons of a movement that pays an incurred cost. */
const incurred: ReadonlySet<string> = new Set(['settles a reservation', 'pays a model call'])

/** The violations of the rules of money, checked at each event. */
export function ledgerViolations(events: readonly RecordedEvent[]): string[] {
  const found: string[] = []
  const accounts = new Map<string, Account>()
  let isTreasuryFrozen = false
  for (const event of events) {
    if (event.stream === treasuryStream) isTreasuryFrozen = event.type === 'TreasuryFrozen'
    if (!isAccountEvent(event)) continue
    const before = accounts.get(event.stream) ?? account.initial
    const isFrozen = before.status === 'frozen' && !arrivesAtFrozen(event)
    if (isSpending(event) && (isTreasuryFrozen || isFrozen))
      found.push(`${event.type} at event ${event.sequence}, on ${event.stream}, while it or the treasury was frozen`)
    try {
      const after = account.evolve(before, event)
      accounts.set(event.stream, after)
      if (isOverdrawn(after, event))
        found.push(`${event.stream} has reserved more than its balance at event ${event.sequence}`)
    } catch (error) {
      return [
        ...found,
        `event ${event.sequence} on ${event.stream} cannot be folded: ${error instanceof Error ? error.message : ''}`,
      ]
    }
  }
  const sum = [...accounts.values()].reduce(
    (total, state) => total + (state.status === 'absent' ? 0 : state.balanceMicros),
    0,
  )
  if (sum !== 0) found.push(`the sum of all accounts is ${sum}`)
  return found
}

/** Whether a freeze forbids the event. An incurred cost is paid even from a frozen account. */
function isSpending(event: AccountEvent): boolean {
  if (event.type === 'FundsReserved') return true
  return (event.type === 'AccountDebited' || event.type === 'AccountCredited') && !incurred.has(event.data.reason)
}

/** Whether an event that spends or reserves leaves less than the open reservations. */
function isOverdrawn(state: Account, event: RecordedEvent): boolean {
  if (state.status === 'absent' || (event.type !== 'AccountDebited' && event.type !== 'FundsReserved')) return false
  if (state.accountId === 'external' || state.accountId === 'overrun') return false
  const nowMs = Date.parse(event.metadata.occurredAt)
  const reserved = Object.values(state.reservations).reduce(
    (sum, { amountMicros, expiresAtMs }) => (expiresAtMs < nowMs ? sum : sum + amountMicros),
    0,
  )
  return state.balanceMicros < reserved
}
