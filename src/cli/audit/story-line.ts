import type { BudgetEvent } from '../../events/budget.ts'
import type { ChatEvent, SensedConversation } from '../../events/chat.ts'
import type { ElectionEvent } from '../../events/election.ts'
import type { RecordedEvent } from '../../events/event.ts'
import { printableLine } from '../../platform/printable.ts'
import { formatBallot } from '../gedi/recorded-election.ts'
import { fit, type Output } from '../output.ts'
import { formatAlert } from './budget-alerts.ts'

/** The events of a prompt: its own, those of its election and those of its costs. */
export type StoryEvent = RecordedEvent<ChatEvent> | RecordedEvent<ElectionEvent> | RecordedEvent<BudgetEvent>

/** An event on one line, with the time since the start of its story. */
export const storyLine = (output: Output, event: StoryEvent, startMs: number): string =>
  timedLine(output, event, startMs, formatEvent(event))

/** Any event on one line, with the time since the start of its story and a text that says what happened. */
export function timedLine({ columns, paint }: Output, event: RecordedEvent, startMs: number, said: string): string {
  const after = `+${((Date.parse(event.metadata.occurredAt) - startMs) / 1000).toFixed(3)} s`.padStart(11)
  const line = `${event.position.padEnd(17)} ${after}  ${event.type.padEnd(21)}  `
  return `${paint('dim', line.slice(0, 30))}${line.slice(30)}${fit(printableLine(said), columns === undefined ? undefined : Math.max(0, columns - line.length))}`
}

function formatEvent(event: StoryEvent): string {
  switch (event.type) {
    case 'PromptSubmitted':
      return `by ${event.metadata.actor}: ${JSON.stringify(event.data.text)}`
    case 'AttemptStarted':
      return `attempt ${event.data.attempt} on ${event.data.worker}`
    case 'RequestRouted':
      return `${event.data.path} path, intent ${event.data.intent}, by ${event.data.by}, confidence ${event.data.confidence}${event.data.throttledBy ? `; throttled by ${event.data.throttledBy.join(', ')}` : ''}${event.data.held ? '; held for a person' : ''}`
    case 'ContextSensed':
      return formatConversation(event.data.conversation)
    case 'ModelCallStarted':
      return `${event.data.phase} by ${event.data.member} on ${event.data.model}, ${event.data.reservedMicros} µ$ reserved in ${event.data.budgets.join(', ')}`
    case 'ModelCallEnded':
      return `${event.data.outcome}, ${event.data.promptTokens} + ${event.data.completionTokens} tokens (${event.data.usage}), ${event.data.costMicros} µ$`
    case 'DraftProduced':
      return `by ${event.data.member}: ${JSON.stringify(event.data.text)}`
    case 'DraftFailed':
      return `of ${event.data.member}: ${formatFault(event.data)}`
    case 'CritiqueProduced':
      return `by ${event.data.member}: ${JSON.stringify(event.data.text)}`
    case 'SynthesisFailed':
      return `by ${event.data.member}: ${formatFault(event.data)}; the winning draft follows ${event.data.characters} characters`
    case 'AnswerHeld':
      return `${event.data.text.length} characters wait for a person, in approval ${event.data.approvalId}`
    case 'PromptPaused':
      return `${event.data.budget} is used up; waits for a person, in approval ${event.data.approvalId}`
    case 'PromptResumed':
      return `${event.data.decision} in approval ${event.data.approvalId}`
    case 'CancellationRequested':
      return `by ${event.data.by}`
    case 'AnswerCompleted':
      return `${event.data.finishReason === 'length' ? 'cut off at the length limit; ' : ''}${event.data.degraded ? 'degraded; ' : ''}${formatBill(event)}`
    case 'AnswerCancelled':
      return formatBill(event)
    case 'AnswerFailed':
      return `${event.data.code}: ${event.data.message}; ${formatBill(event)}`
    case 'BudgetOpened':
      return `${event.stream} with ${event.data.dailyMicros} µ$, soft limit ${event.data.softPercent} %, ${event.data.onExceed}, from ${event.data.opensAt} to ${event.data.closesAt} (${event.data.timeZone})`
    case 'BudgetAdjusted':
      return `${event.stream} to ${event.data.dailyMicros} µ$, soft limit ${event.data.softPercent} %, ${event.data.onExceed}, until ${event.data.closesAt} (${event.data.timeZone})`
    case 'ThrottleEngaged':
    case 'HardLimitReached':
      return formatAlert(event)
    case 'ThrottleLifted':
      return `${event.stream}: ${event.data.why}, ${event.data.spentMicros} µ$ of ${event.data.dailyMicros} µ$ spent`
    case 'BudgetReserved':
      return `${event.data.amountMicros} µ$ in ${event.stream} until ${event.data.expiresAt}`
    case 'BudgetDebited':
      return `${event.data.actualMicros} µ$ in ${event.stream}, ${event.data.promptTokens} + ${event.data.completionTokens} tokens (${event.data.usage}) at ${event.data.priceRef}`
    case 'BudgetReleased':
      return `${event.data.amountMicros} µ$ in ${event.stream}: ${event.data.reason}`
    case 'ElectionOpened':
      return `${event.data.method}, quorum ${event.data.quorum}: ${event.data.candidates.map(({ label, standsFor }) => `${label} is ${standsFor}`).join(', ')}`
    case 'BallotCast':
      return `${event.data.member}: ${formatBallot(event.data.ballot)}`
    case 'BallotRejected':
      return `${event.data.member} abstains: ${event.data.why}${event.data.given === undefined ? '' : ` ${JSON.stringify(event.data.given)}`}`
    case 'ElectionDecided':
      return `winner ${event.data.winner}${event.data.tieBreak ? ` by the seed, of ${event.data.tieBreak.among.join(', ')}` : ''}; ${event.data.order.map((group) => group.join(' = ')).join(' > ')}; ${event.data.trace[0] ?? ''}`
    case 'ElectionFailed':
      return `${event.data.why}: ${event.data.ballots} ballot(s), quorum ${event.data.quorum}`
    default:
      return event satisfies never
  }
}

/** Why a model has written nothing usable, and what it said. */
export const formatFault = ({ why, message }: { why: string; message?: string | null | undefined }): string =>
  message ? `${why}: ${message}` : why

function formatConversation({ conversationId, requestIds, given, omitted, reason }: SensedConversation): string {
  const known =
    requestIds.length === 0 ? 'no earlier turn' : `${requestIds.length} earlier turn(s): ${requestIds.join(', ')}`
  const saw = given === undefined ? known : `${given} earlier turn(s) that came with the prompt`
  const leftOut =
    omitted === 0 ? '' : `; ${omitted ?? 'an unknown number of'} left out (${reason ?? 'no reason given'})`
  return `conversation ${JSON.stringify(conversationId)}, the model saw ${saw}${leftOut}`
}

type Ending = Extract<StoryEvent, { type: 'AnswerCompleted' | 'AnswerFailed' | 'AnswerCancelled' }>

const formatBill = ({ data: { costMicros, tokens, timings } }: Ending): string =>
  `${costMicros} µ$, ${tokens.promptTokens} + ${tokens.completionTokens} tokens, queued ${timings.queuedMs} ms, ` +
  `first token ${timings.firstTokenMs === null ? 'never' : `after ${timings.firstTokenMs} ms`}, total ${timings.totalMs} ms`
