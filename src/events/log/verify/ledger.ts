import type { AccountEvent } from '../../account.ts'
import type { RecordedEvent } from '../../event.ts'
import type { Position, StreamName } from '../../identifiers.ts'
import type { Faults } from './audit-faults.ts'

type Movement = { micros: bigint; position: Position; sequence: number; stream: StreamName }

/** `sumMicros`: the sum over all accounts. */
export type Ledger = { take: (event: RecordedEvent) => void; end: () => { movements: number; sumMicros: bigint } }

/**
 * Checks double entry: the debits and credits of a movement share an id, are in the events of one command, and add up to 0. The folds
 * check that no account is overdrawn and no reservation is resolved twice.
 */
export function ledgerCheck(report: Faults['report']): Ledger {
  let commandId = ''
  let actor = ''
  const open = new Map<string, Movement>()
  let movements = 0
  let sum = 0n

  const close = () => {
    for (const [transferId, { micros, position, sequence, stream }] of open)
      if (micros !== 0n)
        report({
          code: 'ledger_unbalanced',
          position,
          sequence,
          stream,
          message: `the movement ${transferId}, which starts at ${position}, ${micros > 0n ? `credits ${micros} µ$ without a debit` : `debits ${-micros} µ$ without a credit`}`,
        })
    open.clear()
  }

  return {
    take(event) {
      const { position, sequence, stream } = event
      const { metadata } = event
      if (open.size > 0 && (metadata.commandId !== commandId || metadata.actor !== actor)) close()
      commandId = metadata.commandId
      actor = metadata.actor
      if (!isMovement(event)) return
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

type MovementEvent = RecordedEvent<Extract<AccountEvent, { type: 'AccountDebited' | 'AccountCredited' }>>

const isMovement = (event: RecordedEvent): event is MovementEvent =>
  event.type === 'AccountDebited' || event.type === 'AccountCredited'
