import { accountStream } from '../../account.ts'
import { firstPaidVersion } from '../../budget.ts'
import type { AnyRecordedEvent } from '../../catalogue.ts'
import { AccountId, type Position, type StreamName } from '../../identifiers.ts'
import type { ReportFault } from './audit-faults.ts'

type Charge = { micros: number; at: { position: Position; sequence: number; stream: StreamName } }
/** What one command recorded about one model call. */
type Call = { charges: Charge[]; paidMicros: number }

export type ModelCosts = { take: (event: AnyRecordedEvent) => void; end: () => void }

const spend = accountStream(AccountId.parse('spend'))

/**
 * Checks that budgets and ledger agree on every model call: each budget is debited the same amount, and `spend` is credited that amount
 * under the id of the call, in the events of one command. So they agree over any period.
 */
export function modelCostCheck(report: ReportFault): ModelCosts {
  let command = ''
  const calls = new Map<string, Call>()

  const callOf = (callId: string): Call => {
    const known = calls.get(callId) ?? { charges: [], paidMicros: 0 }
    calls.set(callId, known)
    return known
  }
  const close = (): void => {
    for (const [callId, { charges, paidMicros }] of calls) {
      const [first] = charges
      // A credit without a debit pays for something else, such as a tool.
      if (!first) continue
      const differing = charges.find(({ micros }) => micros !== first.micros)
      if (differing)
        report(
          'cost_unbalanced',
          differing.at,
          `the call ${callId} costs ${differing.micros} µ$ in ${differing.at.stream}, but ${first.micros} µ$ in ${first.at.stream}`,
        )
      else if (paidMicros !== first.micros)
        report(
          'cost_unbalanced',
          first.at,
          `the call ${callId} costs ${first.micros} µ$ in ${first.at.stream}, but the ledger paid ${paidMicros} µ$ to spend`,
        )
    }
    calls.clear()
  }

  return {
    take({ type, data, version, position, sequence, stream, metadata }) {
      const own = `${metadata.actor} ${metadata.commandId}`
      if (own !== command) close()
      command = own
      if (type === 'BudgetDebited' && version >= firstPaidVersion)
        callOf(data.callId).charges.push({ micros: data.actualMicros, at: { position, sequence, stream } })
      else if (type === 'AccountCredited' && stream === spend) callOf(data.transferId).paidMicros += data.amountMicros
    },
    end: close,
  }
}
