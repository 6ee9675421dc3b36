import { z } from 'zod'
import { ConversationId, Principal, Uuid7 } from '../../events/identifiers.ts'
import { chats, selectChat, selectChats, type ChatRow } from '../../projections/chats.ts'
import { promptsOf } from '../access/identity.ts'
import { defaultPage, pageOf, pageSize } from './page.ts'
import { query, type Query } from './query.ts'

/** `me`, or a subject. */
const Asker = z.union([z.literal('me'), Principal])

/**
 * Prompts and their answers, newest first: those that the subject may see, or only those of one asker; `conversation` selects the turns
 * of one conversation.
 */
export const chatQueries: readonly Query[] = [
  query({
    path: '/v1/chats',
    scope: 'chat:read',
    readModel: chats,
    fields: {
      asker: Asker.optional(),
      conversation: ConversationId.optional(),
      cursor: Uuid7.optional(),
      limit: pageSize.default(defaultPage),
    },
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
    scope: 'chat:read',
    readModel: chats,
    fields: {},
    id: Uuid7,
    notFound: 'there is no such prompt',
    async answer(tx, _, requestId, viewer) {
      const row = await selectChat(tx, requestId, promptsOf(viewer))
      return row ? printChat(row) : null
    },
  }),
]

function printChat(row: ChatRow) {
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
