import type { RecordedEvent } from '../../src/events/event.ts'
import { comparePositions } from '../../src/events/identifiers.ts'
import { isRetried, type Answer, type IssuedCommand } from './client.ts'

/** The contradictions between the answers that clients got and the events of the log. */
export function commandViolations(
  events: readonly RecordedEvent[],
  history: readonly IssuedCommand[],
  takenAt: readonly number[],
): string[] {
  const byCommand = Map.groupBy(events, ({ metadata }) => metadata.commandId)
  const found = history.flatMap((issued) => {
    const own = byCommand.get(issued.commandId) ?? []
    const answers = issued.calls.flatMap(({ answer }) => (answer ? [answer] : []))
    return [...scattered(own), ...answers.flatMap((answer) => contradiction(answer, issued, own, takenAt) ?? [])].map(
      (why) => `${issued.command.name} ${issued.commandId}: ${why}`,
    )
  })
  const issuedIds = new Set(history.map(({ commandId }) => String(commandId)))
  for (const commandId of byCommand.keys())
    if (!issuedIds.has(commandId)) found.push(`${commandId} has events, but no client sent it`)
  return [...found, ...orderOfCalls(byCommand, history)]
}

/** The events of a command are adjacent and from one append, whatever its answer. */
function scattered(own: readonly RecordedEvent[]): string[] {
  const [first] = own
  const isOne = own.every(
    ({ sequence, metadata }, index) =>
      sequence === (first?.sequence ?? 0) + index && metadata.occurredAt === first?.metadata.occurredAt,
  )
  return isOne ? [] : [`its events were written in several parts: ${own.map(({ sequence }) => sequence).join(', ')}`]
}

/** How an answer contradicts the log; undefined if it does not. */
function contradiction(
  answer: Answer,
  { command, calls }: IssuedCommand,
  own: readonly RecordedEvent[],
  takenAt: readonly number[],
): string | undefined {
  switch (answer.result) {
    case 'appended':
    case 'duplicate':
    case 'approval_required': {
      const [promised, actual] = [answer.events, own].map((events) =>
        JSON.stringify(events.map(({ position, stream, revision, type }) => [position, stream, revision, type])),
      )
      if (promised !== actual) return `${answer.result} ${promised}, the log has ${actual}`
      return own.some(({ type }) => type === 'CommandRefused') ? `${answer.result}, but it was refused` : undefined
    }
    case 'refused': {
      if (!command.recordsRefusals)
        return own.length === 0 || calls.length > 1 ? undefined : `refused, but has ${own.length} events`
      const [refusal, ...others] = own
      const isRecorded =
        others.length === 0 &&
        refusal?.type === 'CommandRefused' &&
        JSON.stringify(refusal.data).includes(`"code":"${answer.code}"`)
      return isRecorded
        ? undefined
        : `refused with ${answer.code}, the log has ${JSON.stringify(own.map(({ type, data }) => [type, data]))}`
    }
    case 'rejected':
      if (
        own.length > 0 &&
        !calls.some((call) => call.from < (takenAt[(own[0]?.sequence ?? 0) - 1] ?? 0) && mayHaveWritten(call.answer))
      )
        return `rejected with ${answer.code}, which promises that nothing was written, but has ${own.length} events`
      if (!isRetried(answer) && answer.code !== 'id_expired' && answer.code !== 'fenced')
        return `rejected with ${answer.code}: ${answer.message}`
      return undefined
    case 'threw':
      return `failed: ${answer.message}`
    case 'lost':
      return undefined
    default:
      return answer satisfies never
  }
}

/** Whether a call with this answer may have written the events. */
function mayHaveWritten(answer: Answer | undefined): boolean {
  if (answer?.result === 'lost') return answer.reached
  return answer?.result !== 'rejected' || answer.code === 'outcome_unknown'
}

/** If a command was acknowledged before another one was sent, its events come first in the log. */
function orderOfCalls(
  byCommand: ReadonlyMap<string, readonly RecordedEvent[]>,
  history: readonly IssuedCommand[],
): string[] {
  const done = history.flatMap(({ command, commandId, calls }) => {
    const own = byCommand.get(commandId)
    const acknowledged = calls.filter(({ answer }) => answer?.result === 'appended' || answer?.result === 'duplicate')
    const [first, last] = [own?.[0], own?.at(-1)]
    return first && last
      ? [
          {
            command,
            first,
            last,
            from: calls[0]?.from ?? 0,
            to: Math.min(Infinity, ...acknowledged.map(({ to }) => to)),
          },
        ]
      : []
  })
  const found: string[] = []
  for (const before of done)
    for (const after of done)
      if (before.to < after.from && comparePositions(before.last.position, after.first.position) >= 0)
        found.push(
          `${before.command.name} at ${before.last.position} was acknowledged before ${after.command.name} at ${after.first.position} was sent`,
        )
  return found
}
