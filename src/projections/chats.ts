import { setTimeout as delay } from 'node:timers/promises'
import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { chatEvents, isChatEvent, maxEarlierTurns, type ChatEvent } from '../events/chat.ts'
import type { RecordedEvent } from '../events/event.ts'
import { Position, Uuid7, type Principal } from '../events/identifiers.ts'
import { modelCallEvents } from '../events/model-call.ts'
import type { Postgres } from '../platform/postgres/postgres.ts'
import { bigint, boolean, double, integer, nullable, text, textOf, timestamp, type RowOf } from './engine/columns.ts'
import type { Tx } from './engine/projection.ts'
import { readModelReader, type ReadModelAnswer, type ReadModelReader } from './engine/read-model-reader.ts'
import { IntegerColumn, storableText } from './engine/rows.ts'
import { tableProjection } from './engine/table-projection.ts'

export const ChatStatus = z.enum(['submitted', 'answering', 'waiting', 'completed', 'failed', 'cancelled'])

const columns = {
  request_id: text,
  conversation_id: text,
  actor: text,
  status: textOf(ChatStatus),
  prompt: text,
  /** The path that the user asked for; null: the council chooses. */
  requested_path: nullable(text),
  path: nullable(text),
  intent: nullable(text),
  attempts: integer,
  /** Empty until the end; of a failed or cancelled answer the part that was streamed. */
  answer: text,
  finish_reason: nullable(text),
  failure_code: nullable(text),
  failure_message: nullable(text),
  degraded: boolean,
  /** Of all calls that have ended so far. */
  cost_micros: bigint,
  prompt_tokens: bigint,
  completion_tokens: bigint,
  queued_ms: nullable(double),
  first_token_ms: nullable(double),
  total_ms: nullable(double),
  submitted_at: timestamp,
  ended_at: nullable(timestamp),
  first_position: text,
  last_position: text,
  last_sequence: bigint,
}
export type ChatRow = RowOf<typeof columns>

type RecordedChatEvent = RecordedEvent<ChatEvent>

/** A row that is a complete turn of a conversation: the prompt has ended, and its asker saw text. */
const isTurn = sql`ended_at is not null and answer <> ''`

/** `read_models.chats`: one row per prompt, with its ending, cost, timings and the positions of its events. */
export const chats = tableProjection({
  name: 'chats',
  version: 3,
  columns,
  key: 'request_id',
  indexes: [
    sql`(conversation_id, submitted_at)`,
    sql`(submitted_at)`,
    sql`(actor, conversation_id, last_sequence) where ${isTurn}`,
  ],
  handles: { ...chatEvents, ...modelCallEvents },
  keyOf: (event) => (isChatEvent(event) ? event.stream.slice('chat/'.length) : null),
  evolve: evolveChatRow,
})

type ChatSelection = {
  /** Each of them: null selects the prompts of all. */
  subjects: readonly (Principal | null)[]
  conversation: string | undefined
  before: string | undefined
  limit: number
}

/** Prompts older than an id, newest first: ids are in the order of time. */
export const selectChats = (tx: Tx, { subjects, conversation, before, limit }: ChatSelection): Promise<ChatRow[]> => {
  const conditions = [
    ...subjects.flatMap((subject) => (subject === null ? [] : [sql`actor = ${subject}`])),
    ...(conversation === undefined ? [] : [sql`conversation_id = ${conversation}`]),
    ...(before === undefined ? [] : [sql`request_id < ${before}`]),
  ]
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
  return chats.select(tx, sql`${where} order by request_id desc limit ${limit}`)
}

/** A prompt of a subject, or of any if it is null. */
export const selectChat = async (tx: Tx, requestId: string, subject: Principal | null): Promise<ChatRow | undefined> =>
  (
    await chats.select(
      tx,
      sql`where request_id = ${requestId} ${subject === null ? sql`` : sql`and actor = ${subject}`}`,
    )
  )[0]

/** Position of the first event of a prompt, of any principal if it is null; null when the principal has no such prompt. */
export const firstPositionOf = (
  read: ReadModelReader,
  principal: Principal | null,
  requestId: Uuid7,
): Promise<ReadModelAnswer<Position | null>> =>
  read(chats, null, async (tx) => {
    const [row] = await chats.select(tx, sql`where request_id = ${requestId} and ${ofActor(principal)}`)
    return row ? Position.parse(row.first_position) : null
  })

const ofActor = (principal: Principal | null) =>
  principal === null ? sql`true` : sql`actor = ${storableText(principal)}`

/** Whether a prompt is that of a subject; a condition for other read models. */
export const isPromptOf = (requestId: RawBuilder<unknown>, subject: Principal): RawBuilder<unknown> =>
  sql`exists (select 1 from read_models.chats where chats.request_id = ${requestId} and ${ofActor(subject)})`

function evolveChatRow(row: ChatRow | undefined, event: RecordedChatEvent): ChatRow {
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
    // The text of a held answer is no answer before a person releases it.
    case 'AnswerHeld':
    case 'PromptPaused':
      return { status: 'waiting' }
    case 'PromptResumed':
      return { status: 'answering' }
    case 'ContextSensed':
    case 'ModelCallStarted':
    case 'DraftProduced':
    case 'DraftFailed':
    case 'CritiqueProduced':
    case 'SynthesisFailed':
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

/** The ending's bill replaces the running sums: the code that settled the calls computed it. */
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

/** One question of a conversation with the text that its asker saw as the answer. */
export type EarlierTurn = { requestId: Uuid7; question: string; answer: string }

/** A prompt in its conversation: who asked, and where its `PromptSubmitted` is in the log. */
export type PromptInConversation = { conversationId: string; actor: Principal; position: Position; sequence: number }

/** Reads the turns of conversations. Both calls resolve within `readWithinMs`, with null when the turns cannot be read in that time. */
export type EarlierTurns = {
  /**
   * The turns that had ended before the prompt was submitted, newest first: at most `maxEarlierTurns` and `maxTurnBytes` of text.
   * `total` counts all of them, up to `maxCountedTurns`. A conversation belongs to its asker: turns of other principals are excluded.
   */
  before: (prompt: PromptInConversation) => Promise<{ turns: EarlierTurn[]; total: number } | null>
  /** The turns of these requests, in this order; null also when one of them is missing. */
  named: (prompt: PromptInConversation, requestIds: readonly Uuid7[]) => Promise<EarlierTurn[] | null>
}

/** The read model usually reaches a prompt within milliseconds; the asker waits meanwhile. */
const readWithinMs = 2_000
const pollMs = 10
/** Far more than fits into the context window of a model. */
const maxTurnBytes = 1024 * 1024
const maxCountedTurns = 10_000

const Rows = z.array(
  z
    .object({ request_id: Uuid7, prompt: z.string(), answer: z.string() })
    .transform((row): EarlierTurn => ({ requestId: row.request_id, question: row.prompt, answer: row.answer })),
)
const Counted = z.tuple([z.object({ total: IntegerColumn })])

/** Reads `read_models.chats` once it has reached the prompt. */
export function earlierTurns(postgres: Pick<Postgres<unknown>, 'snapshot'>): EarlierTurns {
  const read = readModelReader(postgres, {
    waitMs: readWithinMs,
    pollMs,
    elapsedMs: () => performance.now(),
    pause: (ms) => delay(ms),
  })

  /** Bounds the wait also when the server is silent: its own timeouts are longer. */
  async function inTime<Result>(
    prompt: PromptInConversation,
    work: (tx: Tx) => Promise<Result>,
  ): Promise<Result | null> {
    const given = new AbortController()
    const late = delay(readWithinMs, null, { signal: given.signal }).catch(() => null)
    const reading = read(chats, prompt.position, work).then(
      (answer) => (answer.outcome === 'read' ? answer.result : null),
      () => null,
    )
    return Promise.race([reading, late]).finally(() => given.abort())
  }

  return {
    before: (prompt) =>
      inTime(prompt, async (tx) => ({ turns: await newestTurns(tx, prompt), total: await countTurns(tx, prompt) })),
    named: async (prompt, requestIds) => {
      const turns = await inTime(prompt, (tx) => turnsOf(tx, prompt, requestIds))
      const byId = new Map(turns?.map((turn) => [turn.requestId, turn]))
      const found = requestIds.map((requestId) => byId.get(requestId)).filter((turn) => turn !== undefined)
      return found.length === requestIds.length ? found : null
    },
  }
}

/** An ended prompt gets no further events, so its last event is its ending. */
const isEarlier = ({ actor, conversationId, sequence }: PromptInConversation) =>
  sql`actor = ${storableText(actor)} and conversation_id = ${storableText(conversationId)} and last_sequence < ${sequence} and ${isTurn}`

async function newestTurns(tx: Tx, prompt: PromptInConversation): Promise<EarlierTurn[]> {
  const { rows } = await sql`
    select request_id, prompt, answer
    from (
      select request_id, prompt, answer, last_sequence, sum(octet_length(prompt) + octet_length(answer)) over (order by last_sequence desc) as bytes
      from (select * from read_models.chats where ${isEarlier(prompt)} order by last_sequence desc limit ${maxEarlierTurns}) as newest
    ) as measured
    where bytes <= ${maxTurnBytes}
    order by last_sequence desc`.execute(tx)
  return Rows.parse(rows)
}

async function countTurns(tx: Tx, prompt: PromptInConversation): Promise<number> {
  const { rows } = await sql`
    select count(*) as total from (select 1 from read_models.chats where ${isEarlier(prompt)} limit ${maxCountedTurns}) as turns`.execute(
    tx,
  )
  return Counted.parse(rows)[0].total
}

async function turnsOf(tx: Tx, prompt: PromptInConversation, requestIds: readonly Uuid7[]): Promise<EarlierTurn[]> {
  const { rows } = await sql`
    select request_id, prompt, answer from read_models.chats where request_id = any(${requestIds}::text[]) and ${isEarlier(prompt)}`.execute(
    tx,
  )
  return Rows.parse(rows)
}
