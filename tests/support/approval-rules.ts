import { isApprovalEvent, type ApprovalEvent } from '../../src/events/approval.ts'
import { canonicalJson } from '../../src/events/canonical-json.ts'
import type { RecordedEvent } from '../../src/events/event.ts'

type Recorded = RecordedEvent<ApprovalEvent>

/**
 * The rules of approvals that a log breaks, as text: one decision at most, in time and never by the one who asked; one use at most, only
 * after the grant; and what ran is what was approved. Pure, and without the code that it checks.
 */
export function approvalFaults(events: readonly RecordedEvent[]): string[] {
  const byCommand = Map.groupBy(events, ({ metadata }) => metadata.commandId)
  return [...Map.groupBy(events.filter(isApprovalEvent), ({ stream }) => stream)].flatMap(([stream, own]) =>
    [...decisionFaults(own), ...useFaults(own, byCommand)].map((why) => `${stream} ${why}`),
  )
}

const decisions = new Set(['ApprovalGranted', 'ApprovalDenied', 'ApprovalReplaced', 'ApprovalExpired'])

function decisionFaults(own: readonly Recorded[]): string[] {
  const [requested, ...others] = own
  if (requested?.type !== 'ApprovalRequested') return [`begins with ${requested?.type}`]
  const found: string[] = []
  const decided = others.filter(({ type }) => decisions.has(type))
  if (decided.length > 1) found.push(`was decided ${decided.length} times`)
  const { requestedBy, expiresAt, argumentsHash } = requested.data
  for (const { type, data, metadata } of others) {
    if (type === 'ApprovalRequested') found.push('was requested twice')
    if (type !== 'ApprovalGranted') continue
    if (data.by === requestedBy) found.push('was granted by the one who asked')
    if (metadata.occurredAt >= expiresAt) found.push('was granted after it had expired')
    if (data.argumentsHash !== argumentsHash) found.push('was granted for other arguments')
  }
  return found
}

function useFaults(own: readonly Recorded[], byCommand: ReadonlyMap<string, readonly RecordedEvent[]>): string[] {
  const [requested] = own
  const uses = own.filter(({ type }) => type === 'ApprovalUsed')
  const found = uses.length > 1 ? [`was used ${uses.length} times`] : []
  const grantedAt = own.find(({ type }) => type === 'ApprovalGranted')?.sequence ?? Infinity
  for (const use of uses) {
    if (use.type !== 'ApprovalUsed' || use.data.outcome === 'resumed') continue
    if (use.sequence < grantedAt) found.push('was used without a grant')
    const action = byCommand.get(use.metadata.commandId)?.[0]
    if (use.data.outcome === 'executed' && requested?.type === 'ApprovalRequested' && action)
      found.push(...differences(requested.data.exactArguments, action))
  }
  return found
}

/** The fields of an event that the approved arguments name with another value. */
function differences(exactArguments: string, { type, data }: RecordedEvent): string[] {
  const approved = new Map(Object.entries(JSON.parse(exactArguments) as object))
  return Object.entries(data as object).flatMap(([field, value]) =>
    approved.has(field) && canonicalJson(approved.get(field)) !== canonicalJson(value)
      ? [`ran as ${type} with another ${field} than was approved`]
      : [],
  )
}
