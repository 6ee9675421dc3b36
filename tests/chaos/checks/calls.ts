import { isDeepStrictEqual } from 'node:util'
import { publicCommands } from '../../../src/commands/registry.ts'
import type { RecordedEvent } from '../../../src/events/event.ts'
import type { Remembered } from '../harness/evidence.ts'
import type { Call } from '../harness/history.ts'
import { violation, type Violation } from './violation.ts'

const nameOf = ({ principal, commandId, command }: Call) => `${command} ${commandId} of ${principal}`

/**
 * Compares the answers that callers got with the log. The events of an accepted command are there once, at the promised
 * positions; a refused command has at most the event of its refusal; a command with an unknown outcome has all of its
 * events once, or none; and every event belongs to a command.
 */
export function checkCalls(calls: readonly Call[], events: readonly RecordedEvent[]): Violation[] {
  const byCommand = Map.groupBy(calls, ({ principal, commandId }) => `${principal} ${commandId}`)
  const inLog = Map.groupBy(events, ({ metadata }) => `${metadata.actor} ${metadata.commandId}`)
  const found: Violation[] = []
  for (const [id, ofCommand] of byCommand) found.push(...checkCommand(ofCommand, inLog.get(id) ?? []))
  for (const [id, [first]] of inLog)
    if (!byCommand.has(id))
      found.push(violation('unasked event', `${first?.type ?? ''} at ${first?.position ?? ''} under ${id}`))
  for (const [id, ofCommand] of inLog) found.push(...checkWhole(id, ofCommand))
  return found
}

function checkCommand(calls: readonly Call[], events: readonly RecordedEvent[]): Violation[] {
  const [call] = calls
  if (!call) return []
  const found: Violation[] = []
  const answers = calls.map(({ outcome }) => outcome)
  const refusal = answers.find((outcome) => outcome.kind === 'refused')
  const promises = answers.filter((outcome) => outcome.kind === 'ok')
  const isRefusalRecorded = publicCommands.has(call.command)
  const isRecord = events.length === 1 && events[0]?.type === 'CommandRefused'
  if (refusal && promises.length > 0) found.push(violation('answered both ways', nameOf(call)))

  for (const { events: promised } of promises) {
    const written = events.map(({ position, stream, revision, type }) => ({ position, stream, revision, type }))
    if (isDeepStrictEqual(written, promised)) continue
    const kind =
      written.length === 0
        ? 'lost write'
        : written.length > promised.length
          ? 'doubled write'
          : 'not where it was promised'
    found.push(violation(kind, `${nameOf(call)}: promised ${describe(promised)}, found ${describe(written)}`))
  }
  if (refusal) {
    if (isRefusalRecorded && !isRecord)
      found.push(
        violation(events.length === 0 ? 'lost refusal' : 'refused but present', `${nameOf(call)}: ${describe(events)}`),
      )
    if (!isRefusalRecorded && events.length > 0)
      found.push(violation('refused but present', `${nameOf(call)}: ${describe(events)}`))
  }
  const isUndone = answers.every((outcome) => outcome.kind === 'rejected')
  if (isUndone && events.length > 0)
    found.push(violation('refused but present', `${nameOf(call)}: ${describe(events)}`))
  return found
}

/** The events of one command are consecutive in one append, and its debits equal its credits. */
function checkWhole(id: string, events: readonly RecordedEvent[]): Violation[] {
  const found: Violation[] = []
  const [first] = events
  if (!first) return found
  const isContiguous = events.every(({ sequence }, index) => sequence === first.sequence + index)
  const isOneDecision = new Set(events.map(({ metadata }) => metadata.occurredAt)).size === 1
  if (!isContiguous || !isOneDecision) found.push(violation('doubled write', `${id}: ${describe(events)}`))
  let sum = 0
  for (const { type, data } of events) {
    const { amountMicros = 0 } = data as { amountMicros?: number }
    if (type === 'AccountCredited') sum += amountMicros
    if (type === 'AccountDebited') sum -= amountMicros
  }
  if (sum !== 0) found.push(violation('half-written', `${id}: ${describe(events)} leaves ${sum} micro-dollars`))
  return found
}

/** The remembered positions of commands are those of their events. */
export function checkRemembered(remembered: readonly Remembered[], events: readonly RecordedEvent[]): Violation[] {
  const inLog = Map.groupBy(events, ({ metadata }) => `${metadata.actor} ${metadata.commandId}`)
  return remembered.flatMap(({ principal, commandId, known }) => {
    const of = inLog.get(`${principal} ${commandId}`) ?? []
    if (known && known.first === of[0]?.position && known.last === of.at(-1)?.position) return []
    return [
      violation(
        'forgotten command',
        `${commandId} of ${principal}: remembered at ${known ? `${known.first} to ${known.last}` : 'no position'}, found ${describe(of)}`,
      ),
    ]
  })
}

const describe = (events: readonly { position: string; stream: string; type: string }[]): string =>
  events.length === 0
    ? 'nothing'
    : events.map(({ position, stream, type }) => `${type} on ${stream} at ${position}`).join(', ')
