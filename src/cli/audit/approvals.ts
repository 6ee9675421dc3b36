import { sql } from 'kysely'
import type { RecordedEvent } from '../../events/event.ts'
import { isApprovalEvent, type ApprovalEvent } from '../../events/approval.ts'
import type { Position } from '../../events/identifiers.ts'
import { csvRecord } from '../../platform/csv.ts'
import { approvalReport, approvals, type ApprovalRow } from '../../projections/approvals.ts'
import type { CliContext } from '../context.ts'
import { inRange, type Range } from '../range.ts'
import { dollarsAndMicros } from '../money.ts'
import type { Output } from '../output.ts'
import { assertAgrees, auditTable, comparisonLine, type Comparison } from './audit-table.ts'

export type ApprovalsOptions = Range & { csv?: boolean }

/** An approval as its events tell it, with the position of each. */
type Audited = { row: ApprovalRow; positions: { type: string; position: Position }[] }

const csvColumns = [
  'approval',
  'action',
  'status',
  'costMicros',
  'risk',
  'why',
  'requestedBy',
  'requestedAt',
  'decidedBy',
  'decidedAt',
  'outcome',
  'exactArguments',
  'positions',
]

/**
 * `council audit approvals`: every action that was proposed in the range, with its exact arguments, who asked and who decided, from the
 * log, with the position of each event; and whether the read model shows the same. Throws CliError `read_model_differs`.
 */
export async function auditApprovals(options: ApprovalsOptions, { config, output }: CliContext): Promise<number> {
  const within = inRange(options)
  await using closing = new AsyncDisposableStack()
  const { log, compare } = await auditTable(approvals, { clauses: sql``, noun: 'approval' }, config, closing)
  const events: RecordedEvent<ApprovalEvent>[] = []
  for await (const page of log.read({ types: [...(approvals.handles ?? [])] }))
    events.push(...page.filter(isApprovalEvent))
  const rows = approvals.fold(events)
  const audited = [...Map.groupBy(events, ({ stream }) => stream).values()].flatMap((own): Audited[] => {
    const row = rows.get(own[0]?.stream.slice('approval/'.length) ?? '')
    const isShown = own.some(({ position }) => within(position))
    return row && isShown ? [{ row, positions: own.map(({ type, position }) => ({ type, position })) }] : []
  })
  const readModel = compare(events)
  if (options.csv) await output.write([csvColumns, ...audited.map(fieldsOf)].map(csvRecord).join(''))
  else await print(output, audited, readModel)
  assertAgrees(readModel)
  return 0
}

async function print(output: Output, audited: readonly Audited[], readModel: Comparison): Promise<void> {
  for (const { row, positions } of audited)
    await output.result({ kind: 'approval', ...approvalReport(row), positions }, () => [
      `${output.paint('bold', `${row.action}  ${row.status}`)}${row.outcome === null ? '' : `, ${row.outcome}${row.outcome_code === null ? '' : ` (${row.outcome_code})`}`}  ${row.approval_id}`,
      `  ${dollarsAndMicros(row.cost_micros)}, risk ${row.risk}, ${row.why} in mode ${row.mode}`,
      `  asked by ${row.requested_by}, ${decisionOf(row)}`,
      `  ${row.exact_arguments}`,
      `  ${positions.map(({ type, position }) => `${type} ${position}`).join(', ')}`,
    ])
  const count = (status: ApprovalRow['status']) => audited.filter(({ row }) => row.status === status).length
  const counts = {
    granted: count('granted'),
    denied: count('denied'),
    expired: count('expired'),
    waiting: count('waiting'),
  }
  await output.result({ kind: 'summary', approvals: audited.length, ...counts, readModel }, () => [
    output.paint(
      'bold',
      `${audited.length} actions: ${counts.granted} granted, ${counts.denied} denied, ${counts.expired} expired, ${counts.waiting} waiting`,
    ),
    comparisonLine(readModel),
  ])
}

function decisionOf({ status, decided_by, decided_at, reason, expires_at }: ApprovalRow): string {
  if (decided_at === null) return `waits until ${expires_at}`
  return `${status} by ${decided_by ?? 'the clock'} at ${decided_at}${reason === null ? '' : `: ${reason}`}`
}

const fieldsOf = ({ row, positions }: Audited): (string | number | null)[] => [
  row.approval_id,
  row.action,
  row.status,
  row.cost_micros,
  row.risk,
  row.why,
  row.requested_by,
  row.requested_at,
  row.decided_by,
  row.decided_at,
  row.outcome,
  row.exact_arguments,
  positions.map(({ position }) => position).join(' '),
]
