import { sql } from 'kysely'
import { governance } from '../../commands/aggregates/governance.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { isGovernanceEvent, modeStream, type GovernanceEvent } from '../../events/governance.ts'
import { csvRecord } from '../../platform/csv.ts'
import { modeHistory } from '../../projections/mode-history.ts'
import type { CliContext } from '../context.ts'
import { inRange, type Range } from '../range.ts'
import { dollarsAndMicros } from '../money.ts'
import { assertAgrees, auditTable, comparisonLine } from './audit-table.ts'

export type ModeOptions = Range & { csv?: boolean }

/**
 * `council audit mode`: who switched the mode and set the approval policy, when and why, from the log, with positions; the mode now; and
 * whether the read model shows the same. Throws CliError `read_model_differs`.
 */
export async function auditMode(options: ModeOptions, { config, output }: CliContext): Promise<number> {
  const within = inRange(options)
  await using closing = new AsyncDisposableStack()
  const { log, compare } = await auditTable(modeHistory, { clauses: sql``, noun: 'change' }, config, closing)
  const events: RecordedEvent<GovernanceEvent>[] = []
  for await (const page of log.read({ streams: [modeStream] })) events.push(...page.filter(isGovernanceEvent))
  const shown = events.filter(({ position }) => within(position))
  const readModel = compare(events)
  if (options.csv) {
    const columns = ['position', 'occurredAt', 'by', 'change', 'reason']
    await output.write([columns, ...shown.map(fieldsOf)].map(csvRecord).join(''))
  } else {
    for (const event of shown) {
      const { position, type, data, metadata } = event
      await output.result({ kind: 'change', position, type, occurredAt: metadata.occurredAt, ...data }, () => {
        const [, occurredAt, by, change, reason] = fieldsOf(event)
        return `${position.padEnd(17)}  ${occurredAt}  ${change}  by ${by}${reason === '' ? '' : `: ${reason}`}`
      })
    }
    const now = events.reduce((state, event) => governance.evolve(state, event), governance.initial)
    await output.result({ kind: 'summary', ...now, changes: events.length, readModel }, () => [
      output.paint(
        'bold',
        `${now.mode}; an action waits from ${dollarsAndMicros(now.thresholdMicros)} on, for ${now.timeoutSeconds} s at most; answers ${now.approveAnswers ? 'wait in manual mode' : 'do not wait'}`,
      ),
      comparisonLine(readModel),
    ])
  }
  assertAgrees(readModel)
  return 0
}

function fieldsOf({ position, type, data, metadata }: RecordedEvent<GovernanceEvent>): string[] {
  const common = [position, metadata.occurredAt, data.by]
  switch (type) {
    case 'ModeSwitched':
      return [...common, `${data.from} → ${data.to}`, data.reason]
    case 'ApprovalPolicySet':
      return [
        ...common,
        `threshold ${data.thresholdMicros} µ$, ${data.timeoutSeconds} s, answers ${data.approveAnswers ? 'wait' : 'do not wait'}`,
        '',
      ]
    default:
      return type satisfies never
  }
}
