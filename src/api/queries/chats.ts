import { z } from 'zod'
import { ConversationId, Principal, Uuid7 } from '../../events/identifiers.ts'
import { chats, ChatStatus, selectChat, selectChats, type ChatRow } from '../../projections/chats.ts'
import { promptsOf } from '../access/identity.ts'
import { Count, Micros, Milliseconds, Positions, Time } from './fields.ts'
import { Next, pageFields, pageOf } from './page.ts'
import { query, type Query } from './query.ts'

/** `me`, or a subject. */
const Asker = z.union([z.literal('me'), Principal]).meta({ description: 'Only the prompts of `me`, or of a subject.' })

const Chat = z
  .object({
    requestId: z.string(),
    conversationId: z.string(),
    subject: z.string().meta({ description: 'Who asked.' }),
    status: ChatStatus,
    prompt: z.string(),
    requestedPath: z.string().nullable().meta({ description: 'Null: the council chooses.' }),
    path: z.string().nullable(),
    intent: z.string().nullable(),
    attempts: Count,
    answer: z
      .string()
      .meta({ description: 'Empty until the end; of an answer that broke off, the part that was sent.' }),
    finishReason: z.string().nullable(),
    failure: z.object({ code: z.string(), message: z.string().nullable() }).nullable(),
    degraded: z.boolean(),
    costMicros: Micros,
    tokens: z.object({ prompt: Count, completion: Count }),
    timings: z.object({
      queuedMs: Milliseconds.nullable(),
      firstTokenMs: Milliseconds.nullable(),
      totalMs: Milliseconds.nullable(),
    }),
    submittedAt: Time,
    endedAt: Time.nullable(),
    positions: Positions,
  })
  .meta({ id: 'Chat', description: 'A prompt and its answer.' })

/**
 * Prompts and their answers, newest first: those that the subject may see, or only those of one asker; `conversation` selects the turns
 * of one conversation.
 */
export const chatQueries: readonly Query[] = [
  query({
    path: '/v1/chats',
    summary: 'Prompts and their answers that you may see, the newest first.',
    scope: 'chat:read',
    readModel: chats,
    isByAsker: true,
    fields: { asker: Asker.optional(), conversation: ConversationId.optional(), ...pageFields(Uuid7) },
    body: z.object({ chats: z.array(Chat), next: Next }),
    table: { name: 'chats', row: Chat },
    notFound: 'there is no such list',
    async answer(tx, { asker, conversation, cursor: before, limit }, _, viewer) {
      const asked = asker === undefined ? null : asker === 'me' ? viewer.subject : Principal.parse(asker)
      const subjects = [promptsOf(viewer), asked]
      const { page, last } = await pageOf(limit, (most) =>
        selectChats(tx, { subjects, conversation, before, limit: most }),
      )
      return { chats: page.map(printChat), next: last?.request_id ?? null }
    },
  }),
  query({
    path: '/v1/chats/:id',
    summary: 'One prompt and its answer.',
    scope: 'chat:read',
    readModel: chats,
    isByAsker: true,
    fields: {},
    id: Uuid7,
    body: Chat,
    notFound: 'there is no such prompt',
    async answer(tx, _, requestId, viewer) {
      const row = await selectChat(tx, requestId, promptsOf(viewer))
      return row ? printChat(row) : null
    },
  }),
]

function printChat(row: ChatRow): z.output<typeof Chat> {
  return {
    requestId: row.request_id,
    conversationId: row.conversation_id,
    subject: row.actor,
    status: row.status,
    prompt: row.prompt,
    requestedPath: row.requested_path,
    path: row.path,
    intent: row.intent,
    attempts: row.attempts,
    answer: row.answer,
    finishReason: row.finish_reason,
    failure: row.failure_code === null ? null : { code: row.failure_code, message: row.failure_message },
    degraded: row.degraded,
    costMicros: row.cost_micros,
    tokens: { prompt: row.prompt_tokens, completion: row.completion_tokens },
    timings: { queuedMs: row.queued_ms, firstTokenMs: row.first_token_ms, totalMs: row.total_ms },
    submittedAt: row.submitted_at,
    endedAt: row.ended_at,
    positions: { first: row.first_position, last: row.last_position },
  }
}
