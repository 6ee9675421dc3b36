import { z } from 'zod'
import type { ChatEvent } from '../events/chat.ts'
import type { RecordedEvent } from '../events/event.ts'
import { IntegerColumn, storableText, TimeColumn } from './engine/rows.ts'

/** A row of `read_models.chats`: one prompt, from its submission to its end. Columns are named as in the table. */
export const ChatRow = z.object({
  request_id: z.string(),
  conversation_id: z.string(),
  actor: z.string(),
  status: z.enum(['submitted', 'answering', 'completed', 'failed', 'cancelled']),
  prompt: z.string(),
  /** What the user asked for; null: whatever the council thinks right. */
  requested_path: z.string().nullable(),
  path: z.string().nullable(),
  intent: z.string().nullable(),
  attempts: IntegerColumn,
  /** Empty until the end; of a failed or cancelled answer the part that was streamed. */
  answer: z.string(),
  finish_reason: z.string().nullable(),
  failure_code: z.string().nullable(),
  failure_message: z.string().nullable(),
  degraded: z.boolean(),
  /** Of all calls that have ended so far. */
  cost_micros: IntegerColumn,
  prompt_tokens: IntegerColumn,
  completion_tokens: IntegerColumn,
  queued_ms: z.number().nullable(),
  first_token_ms: z.number().nullable(),
  total_ms: z.number().nullable(),
  submitted_at: TimeColumn,
  ended_at: TimeColumn.nullable(),
  first_position: z.string(),
  last_position: z.string(),
  last_sequence: IntegerColumn,
})
export type ChatRow = z.output<typeof ChatRow>

type RecordedChatEvent = RecordedEvent<ChatEvent>

/** The row after an event; `row` is undefined before the first one. Throws where the events of a prompt do not follow each other. */
export function evolveChatRow(row: ChatRow | undefined, event: RecordedChatEvent): ChatRow {
  if (event.type === 'PromptSubmitted') {
    if (row) throw new Error(`${event.stream} was submitted twice`)
    return submitted(event)
  }
  if (!row) throw new Error(`${event.type} on ${event.stream}, which was never submitted`)
  return { ...row, ...changes(row, event), last_position: event.position, last_sequence: event.sequence }
}

function changes(row: ChatRow, event: Exclude<RecordedChatEvent, { type: 'PromptSubmitted' }>): Partial<ChatRow> {
  switch (event.type) {
    case 'AttemptStarted':
      return { status: 'answering', attempts: event.data.attempt }
    case 'RequestRouted':
      return { path: event.data.path, intent: storableText(event.data.intent) }
    case 'ModelCallEnded':
      return {
        cost_micros: row.cost_micros + event.data.costMicros,
        prompt_tokens: row.prompt_tokens + event.data.promptTokens,
        completion_tokens: row.completion_tokens + event.data.completionTokens,
      }
    case 'ContextSensed':
    case 'ModelCallStarted':
    case 'CancellationRequested':
      return {}
    case 'AnswerCompleted':
      return {
        ...ended(event),
        status: 'completed',
        finish_reason: event.data.finishReason,
        degraded: event.data.degraded,
      }
    case 'AnswerFailed':
      return {
        ...ended(event),
        status: 'failed',
        failure_code: event.data.code,
        failure_message: storableText(event.data.message),
      }
    case 'AnswerCancelled':
      return { ...ended(event), status: 'cancelled' }
    default:
      return event satisfies never
  }
}

type Ending = Extract<RecordedChatEvent, { type: 'AnswerCompleted' | 'AnswerFailed' | 'AnswerCancelled' }>

/** The bill of the ending is the one that counts: it was made by the code that settled the calls. */
const ended = ({ data, metadata }: Ending): Partial<ChatRow> => ({
  answer: storableText(data.text),
  cost_micros: data.costMicros,
  prompt_tokens: data.tokens.promptTokens,
  completion_tokens: data.tokens.completionTokens,
  queued_ms: data.timings.queuedMs,
  first_token_ms: data.timings.firstTokenMs,
  total_ms: data.timings.totalMs,
  ended_at: metadata.occurredAt,
})

const submitted = ({
  data,
  metadata,
  position,
  sequence,
}: Extract<RecordedChatEvent, { type: 'PromptSubmitted' }>): ChatRow => ({
  request_id: data.requestId,
  conversation_id: storableText(data.conversationId),
  actor: storableText(metadata.actor),
  status: 'submitted',
  prompt: storableText(data.text),
  requested_path: data.path ?? null,
  path: null,
  intent: null,
  attempts: 0,
  answer: '',
  finish_reason: null,
  failure_code: null,
  failure_message: null,
  degraded: false,
  cost_micros: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  queued_ms: null,
  first_token_ms: null,
  total_ms: null,
  submitted_at: data.submittedAt,
  ended_at: null,
  first_position: position,
  last_position: position,
  last_sequence: sequence,
})
