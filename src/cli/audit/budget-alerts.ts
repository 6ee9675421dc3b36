import { alertKinds, isAlertType, type AlertType, type BudgetEvent } from '../../events/budget.ts'
import type { RecordedEvent } from '../../events/event.ts'
import type { Output } from '../output.ts'

/** An event that alerts people to the soft or the hard limit of a budget. */
export type BudgetAlert = RecordedEvent<Extract<BudgetEvent, { type: AlertType }>>

export const isAlert = (event: RecordedEvent): event is BudgetAlert => isAlertType(event.type)

/** Which limit was reached, with which figures, and until when. */
export function formatAlert({ stream, type, data }: BudgetAlert): string {
  const spent = `${alertKinds[type]} limit of ${stream}: ${micros(data.spentMicros)} spent`
  switch (type) {
    case 'ThrottleEngaged':
      return `${spent} reach ${micros(data.softMicros)} of ${micros(data.dailyMicros)}, until ${data.until}`
    case 'HardLimitReached':
      return `${spent} and ${micros(data.reservedMicros)} reserved leave no ${micros(data.amountMicros)} of ${micros(data.dailyMicros)}, until ${data.reopensAt} (${data.timeZone})`
    default:
      return type satisfies never
  }
}

const micros = (amount: number): string => `${amount.toLocaleString('en')} µ$`

/** Prints alerts, one a line; next to a CSV file on stderr. */
export async function printAlerts(output: Output, alerts: readonly BudgetAlert[], csv: boolean): Promise<void> {
  for (const alert of alerts) {
    const { position, stream: budget, type, metadata, data } = alert
    const line = `${position.padEnd(17)}  ${formatAlert(alert)}`
    const row = { kind: 'alert', limit: alertKinds[type], budget, position, occurredAt: metadata.occurredAt, data }
    if (csv) output.note(line)
    else await output.result(row, () => line)
  }
}
