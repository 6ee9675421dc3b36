import type { AnyRecordedEvent } from '../../catalogue.ts'
import type { Position, StreamName } from '../../identifiers.ts'
import type { ReportFault } from './audit-faults.ts'

type Movement = { micros: bigint; position: Position; sequence: number; stream: StreamName }

/** `sumMicros`: the sum over all accounts. */
export type Ledger = { take: (event: AnyRecordedEvent) => void; end: () => { movements: number; sumMicros: bigint } }

/**
 * Checks double entry: the debits and credits of a movement share an id, are in the events of one command, and add up to 0. The folds
 * check that no account is overdrawn and no reservation is resolved twice.
 */
export function ledgerCheck(report: ReportFault): Ledger {
  let commandId = ''
  let actor = ''
  const open = new Map<string, Movement>()
  let movements = 0
  let sum = 0n

  const close = () => {
    for (const [transferId, { micros, position, sequence, stream }] of open)
      if (micros !== 0n)
        report(
          'ledger_unbalanced',
          { position, sequence, stream },
          `the movement ${transferId}, which starts at ${position}, ${micros > 0n ? `credits ${micros} µ$ without a debit` : `debits ${-micros} µ$ without a credit`}`,
        )
    open.clear()
  }

  return {
    take(event) {
      const { position, sequence, stream, metadata } = event
      if (open.size > 0 && (metadata.commandId !== commandId || metadata.actor !== actor)) close()
      commandId = metadata.commandId
      actor = metadata.actor
      if (event.type !== 'AccountDebited' && event.type !== 'AccountCredited') return
      const { transferId, amountMicros } = event.data
      const micros = BigInt(event.type === 'AccountCredited' ? amountMicros : -amountMicros)
      const before = open.get(transferId)
      open.set(
        transferId,
        before ? { ...before, micros: before.micros + micros } : { micros, position, sequence, stream },
      )
      movements++
      sum += micros
    },
    end() {
      close()
      return { movements, sumMicros: sum }
    },
  }
}
