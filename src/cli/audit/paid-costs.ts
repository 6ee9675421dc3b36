import { accountStream, type AccountEvent } from '../../events/account.ts'
import { firstPaidVersion, type BudgetEvent } from '../../events/budget.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { AccountId, type Position } from '../../events/identifiers.ts'

type Debit = RecordedEvent<Extract<BudgetEvent, { type: 'BudgetDebited' }>>
type Credit = RecordedEvent<Extract<AccountEvent, { type: 'AccountCredited' }>>

const spend = accountStream(AccountId.parse('spend'))

/** Money that arrived on the `spend` account. */
export const isSpending = (event: RecordedEvent): event is Credit =>
  event.type === 'AccountCredited' && event.stream === spend

/** What the ledger paid to `spend` for model calls. Amounts are integer micro-dollars. */
export type PaidCosts = {
  paidMicros: number
  /** The cost of calls from before the ledger paid for calls; `spend` has nothing for them. */
  unpaidMicros: number
  /** The credits. */
  positions: Position[]
  /** The first call that was paid otherwise than it was debited; null: none. */
  differing: { position: Position; callId: string; debitedMicros: number; paidMicros: number } | null
}

/** Compares the debits of the council's budget with the credits of `spend` under the ids of the same calls, in the same commands. */
export function paidCosts(debits: readonly Debit[], credits: readonly Credit[]): PaidCosts {
  const paid = Map.groupBy(credits, (credit) => keyOf(credit, credit.data.transferId))
  const result: PaidCosts = { paidMicros: 0, unpaidMicros: 0, positions: [], differing: null }
  for (const debit of debits) {
    const { callId, actualMicros: debitedMicros } = debit.data
    if (debit.version < firstPaidVersion) {
      result.unpaidMicros += debitedMicros
      continue
    }
    const own = paid.get(keyOf(debit, callId)) ?? []
    const paidMicros = own.reduce((sum, { data }) => sum + data.amountMicros, 0)
    result.paidMicros += paidMicros
    result.positions.push(...own.map(({ position }) => position))
    if (paidMicros !== debitedMicros)
      result.differing ??= { position: debit.position, callId, debitedMicros, paidMicros }
  }
  return result
}

const keyOf = ({ metadata: { actor, commandId } }: RecordedEvent, callId: string): string =>
  JSON.stringify([actor, commandId, callId])
