import { hash } from 'node:crypto'
import type { AnyRecordedEvent } from '../../events/catalogue.ts'
import type { Receipt } from './receipt.ts'

/** `differs`: the events contradict each other, so that a receipt would be wrong. */
export type BuiltReceipt =
  | { outcome: 'built'; receipt: Receipt }
  | { outcome: 'unknown' }
  | { outcome: 'unfinished' }
  | { outcome: 'differs'; why: string }

const outcomes = { AnswerCompleted: 'completed', AnswerFailed: 'failed', AnswerCancelled: 'cancelled' } as const

const receiptTypes: ReadonlySet<string> = new Set([
  'PromptSubmitted',
  'RequestRouted',
  'ModelCallStarted',
  'ModelCallEnded',
  'ElectionOpened',
  'BallotCast',
  'BallotRejected',
  'ElectionDecided',
  'ElectionFailed',
  ...Object.keys(outcomes),
])

/** Whether a receipt needs the events of a type. Drafts and reviews, the longest ones, are not among them. */
export const isForReceipt = (type: string): boolean => receiptTypes.has(type)

/**
 * The receipt of a prompt, from the events of its chat and of its election in their order. The costs of its calls add up to the cost
 * that its end states; otherwise the outcome is `differs`.
 */
export function buildReceipt(
  events: readonly AnyRecordedEvent[],
  { council, issuedAt }: { council: string; issuedAt: string },
): BuiltReceipt {
  const submitted = events.find((event) => event.type === 'PromptSubmitted')
  if (!submitted) return { outcome: 'unknown' }
  const ending = events.find(isEnding)
  if (!ending) return { outcome: 'unfinished' }
  const calls = callsOf(events)
  const costMicros = ending.data.costMicros
  const sum = calls.reduce((total, call) => total + call.costMicros, 0)
  if (sum !== costMicros)
    return {
      outcome: 'differs',
      why: `the answer states a cost of ${costMicros} µ$ at ${ending.position}, but its calls cost ${sum} µ$`,
    }
  const receipt: Receipt = {
    version: 1,
    council,
    requestId: submitted.data.requestId,
    asker: submitted.metadata.actor,
    path: events.findLast((event) => event.type === 'RequestRouted')?.data.path ?? null,
    submittedAt: submitted.data.submittedAt,
    endedAt: ending.metadata.occurredAt,
    outcome: outcomes[ending.type],
    promptHash: hash('sha256', submitted.data.text, 'hex'),
    answerHash: hash('sha256', ending.data.text, 'hex'),
    costMicros,
    calls,
    vote: voteOf(events),
    positions: { first: submitted.position, last: events.at(-1)?.position ?? ending.position },
    issuedAt,
  }
  return { outcome: 'built', receipt }
}

type Ending = Extract<AnyRecordedEvent, { type: keyof typeof outcomes }>
const isEnding = (event: AnyRecordedEvent): event is Ending => Object.hasOwn(outcomes, event.type)

/** The calls that ended: what a call cost is known only then. */
function callsOf(events: readonly AnyRecordedEvent[]): Receipt['calls'] {
  const started = new Map(
    events.flatMap(({ type, data }) => (type === 'ModelCallStarted' ? [[data.callId, data] as const] : [])),
  )
  return events.flatMap((event) => {
    if (event.type !== 'ModelCallEnded') return []
    const { callId, promptTokens, completionTokens, costMicros } = event.data
    const call = started.get(callId)
    if (!call) return []
    const { model, member, phase } = call
    return [{ callId, model, member, phase, promptTokens, completionTokens, costMicros, position: event.position }]
  })
}

function voteOf(events: readonly AnyRecordedEvent[]): Receipt['vote'] {
  const opened = events.find((event) => event.type === 'ElectionOpened')
  if (!opened) return null
  const { electionId, method, candidates } = opened.data
  const ending = events.find((event) => event.type === 'ElectionDecided' || event.type === 'ElectionFailed')
  const result = ending?.type === 'ElectionDecided' ? ending.data : null
  return {
    electionId,
    method,
    candidates: Object.fromEntries(candidates.map(({ label, author, standsFor }) => [label, author ?? standsFor])),
    ballots: events.flatMap(({ type, data, position }): NonNullable<Receipt['vote']>['ballots'] => {
      if (type === 'BallotCast') return [{ member: data.member, ballot: data.ballot, position }]
      return type === 'BallotRejected' ? [{ member: data.member, abstained: data.why, position }] : []
    }),
    winner: result?.winner ?? null,
    order: result?.order ?? null,
    position: ending?.position ?? null,
  }
}
