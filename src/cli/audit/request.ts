import { isBudgetEvent, type BudgetEvent } from '../../events/budget.ts'
import { type ChatEvent, type SensedConversation, chatStream, isChatEvent } from '../../events/chat.ts'
import { printableEvent, type RecordedEvent } from '../../events/event.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import { isCost } from '../../projections/costs.ts'
import type { CliContext } from '../context.ts'
import { CliError } from '../failure.ts'
import { dollarsAndMicros } from '../money.ts'
import { printableLine } from '../../platform/printable.ts'
import { fit, type Output } from '../output.ts'
import { openLogForReading } from '../running-council.ts'

type StoryEvent = RecordedEvent<ChatEvent> | RecordedEvent<BudgetEvent>

/**
 * `council audit request`: every event of one prompt, in order, and a summary. Throws CliError `request_unknown`, and
 * `bill_differs` if the prompt's bill is not the sum of its debits.
 */
export async function auditRequest(requestId: Uuid7, { config, output }: CliContext): Promise<number> {
  await using closing = new AsyncDisposableStack()
  const story = await eventsOf(await openLogForReading(config, closing), requestId)
  const [first] = story
  if (!first) throw new CliError('request_unknown', `there is no prompt ${requestId} in the log`)

  const startMs = Date.parse(first.metadata.occurredAt)
  for (const event of story)
    await output.result({ kind: 'event', ...printableEvent(event) }, () => storyLine(output, event, startMs))

  const summary = summarise(requestId, story)
  await output.result({ kind: 'summary', ...summary }, () => {
    const bill = summary.billedMicros === null ? 'no bill yet' : `billed ${dollarsAndMicros(summary.billedMicros)}`
    return [
      '',
      `${output.paint('bold', summary.status)}  ${summary.attempts} attempt(s), ${summary.calls} call(s), debited ${dollarsAndMicros(summary.debitedMicros)}, ${bill}`,
    ]
  })
  if (summary.billedMicros !== null && summary.billedMicros !== summary.debitedMicros)
    throw new CliError(
      'bill_differs',
      `the prompt was billed ${summary.billedMicros} µ$, but ${summary.debitedMicros} µ$ were debited for it, at ${summary.debitPositions.join(', ') || 'no position'}`,
    )
  return 0
}

async function eventsOf(log: LogReader, requestId: Uuid7): Promise<StoryEvent[]> {
  const stream = chatStream(requestId)
  const story: StoryEvent[] = []
  for await (const page of log.read())
    for (const event of page) {
      if (event.stream === stream && isChatEvent(event)) story.push(event)
      else if (isBudgetEvent(event) && event.data.requestId === requestId) story.push(event)
    }
  return story
}

function summarise(requestId: Uuid7, story: readonly StoryEvent[]) {
  const debits = story.filter(isCost)
  const ending = story.find(isEnding)
  const route = story.find((event) => event.type === 'RequestRouted')
  return {
    requestId,
    status: ending
      ? statuses[ending.type]
      : story.some(({ type }) => type === 'AttemptStarted')
        ? 'answering'
        : 'submitted',
    path: route?.data.path ?? null,
    intent: route?.data.intent ?? null,
    attempts: story.filter(({ type }) => type === 'AttemptStarted').length,
    calls: debits.length,
    debitedMicros: debits.reduce((sum, { data }) => sum + data.actualMicros, 0),
    debitPositions: debits.map(({ position }) => position),
    billedMicros: ending?.data.costMicros ?? null,
    tokens: ending?.data.tokens ?? null,
    timings: ending?.data.timings ?? null,
    ...(ending?.type === 'AnswerCompleted' && {
      finishReason: ending.data.finishReason,
      degraded: ending.data.degraded,
    }),
    ...(ending?.type === 'AnswerFailed' && { code: ending.data.code }),
    positions: { first: story[0]?.position ?? null, last: story.at(-1)?.position ?? null },
  }
}

const statuses = { AnswerCompleted: 'completed', AnswerFailed: 'failed', AnswerCancelled: 'cancelled' } as const
type Ending = Extract<StoryEvent, { type: keyof typeof statuses }>
const isEnding = (event: StoryEvent): event is Ending => event.type in statuses

function storyLine({ columns, paint }: Output, event: StoryEvent, startMs: number): string {
  const after = `+${((Date.parse(event.metadata.occurredAt) - startMs) / 1000).toFixed(3)} s`.padStart(11)
  const line = `${event.position.padEnd(17)} ${after}  ${event.type.padEnd(21)}  `
  return `${paint('dim', line.slice(0, 30))}${line.slice(30)}${fit(printableLine(formatEvent(event)), columns === undefined ? undefined : Math.max(0, columns - line.length))}`
}

function formatEvent(event: StoryEvent): string {
  switch (event.type) {
    case 'PromptSubmitted':
      return `by ${event.metadata.actor}: ${JSON.stringify(event.data.text)}`
    case 'AttemptStarted':
      return `attempt ${event.data.attempt} on ${event.data.worker}`
    case 'RequestRouted':
      return `${event.data.path} path, intent ${event.data.intent}, by ${event.data.by}, confidence ${event.data.confidence}`
    case 'ContextSensed':
      return formatConversation(event.data.conversation)
    case 'ModelCallStarted':
      return `${event.data.phase} by ${event.data.member} on ${event.data.model}, ${event.data.reservedMicros} µ$ reserved in ${event.data.budgets.join(', ')}`
    case 'ModelCallEnded':
      return `${event.data.outcome}, ${event.data.promptTokens} + ${event.data.completionTokens} tokens (${event.data.usage}), ${event.data.costMicros} µ$`
    case 'DraftProduced':
      return `by ${event.data.member}: ${JSON.stringify(event.data.text)}`
    case 'DraftFailed':
      return `of ${event.data.member}: ${event.data.why}`
    case 'CritiqueProduced':
      return `by ${event.data.member}: ${JSON.stringify(event.data.text)}`
    case 'CancellationRequested':
      return `by ${event.data.by}`
    case 'AnswerCompleted':
      return `${event.data.finishReason === 'length' ? 'cut off at the length limit; ' : ''}${event.data.degraded ? 'degraded; ' : ''}${formatBill(event)}`
    case 'AnswerCancelled':
      return formatBill(event)
    case 'AnswerFailed':
      return `${event.data.code}: ${event.data.message}; ${formatBill(event)}`
    case 'BudgetReserved':
      return `${event.data.amountMicros} µ$ in ${event.stream} until ${event.data.expiresAt}`
    case 'BudgetDebited':
      return `${event.data.actualMicros} µ$ in ${event.stream}, ${event.data.promptTokens} + ${event.data.completionTokens} tokens (${event.data.usage}) at ${event.data.priceRef}`
    case 'BudgetReleased':
      return `${event.data.amountMicros} µ$ in ${event.stream}: ${event.data.reason}`
    default:
      return event satisfies never
  }
}

function formatConversation({ conversationId, requestIds, omitted, reason }: SensedConversation): string {
  const saw =
    requestIds.length === 0 ? 'no earlier turn' : `${requestIds.length} earlier turn(s): ${requestIds.join(', ')}`
  const leftOut =
    omitted === 0 ? '' : `; ${omitted ?? 'an unknown number of'} left out (${reason ?? 'no reason given'})`
  return `conversation ${JSON.stringify(conversationId)}, the model saw ${saw}${leftOut}`
}

const formatBill = ({ data: { costMicros, tokens, timings } }: Ending): string =>
  `${costMicros} µ$, ${tokens.promptTokens} + ${tokens.completionTokens} tokens, queued ${timings.queuedMs} ms, ` +
  `first token ${timings.firstTokenMs === null ? 'never' : `after ${timings.firstTokenMs} ms`}, total ${timings.totalMs} ms`
