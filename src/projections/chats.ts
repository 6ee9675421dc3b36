import { sql } from 'kysely'
import { isChatEvent } from '../events/chat.ts'
import { ChatRow, evolveChatRow } from './chat-row.ts'
import type { Projection, Tx } from './engine/projection.ts'

/** Name and type of every column, in the order of the table. */
const columns = {
  request_id: 'text primary key',
  conversation_id: 'text not null',
  actor: 'text not null',
  status: 'text not null',
  prompt: 'text not null',
  requested_path: 'text',
  path: 'text',
  intent: 'text',
  attempts: 'integer not null',
  answer: 'text not null',
  finish_reason: 'text',
  failure_code: 'text',
  failure_message: 'text',
  degraded: 'boolean not null',
  cost_micros: 'bigint not null',
  prompt_tokens: 'bigint not null',
  completion_tokens: 'bigint not null',
  queued_ms: 'double precision',
  first_token_ms: 'double precision',
  total_ms: 'double precision',
  submitted_at: 'timestamptz not null',
  ended_at: 'timestamptz',
  first_position: 'text not null',
  last_position: 'text not null',
  last_sequence: 'bigint not null',
} as const satisfies Record<keyof ChatRow, string>

/** A row that is a whole turn of a conversation: the prompt has ended, and its asker saw text. */
export const isTurn = sql`ended_at is not null and answer <> ''`

const names = Object.keys(columns)
const typeAlone = (type: string): string => type.replace(/ (not null|primary key)$/, '')

/** `read_models.chats`: one row a prompt, with its ending, cost, timings and where its events are. */
export const chats: Projection = {
  name: 'chats',
  version: 2,
  target: 'postgres',
  money: false,
  tables: ['chats'],

  async createTables(tx, schema) {
    const list = Object.entries(columns).map(([name, type]) => sql`${sql.id(name)} ${sql.raw(type)}`)
    await sql`create table ${sql.id(schema, 'chats')} (${sql.join(list)})`.execute(tx)
    await sql`create index on ${sql.id(schema, 'chats')} (conversation_id, submitted_at)`.execute(tx)
    await sql`create index on ${sql.id(schema, 'chats')} (submitted_at)`.execute(tx)
    await sql`create index on ${sql.id(schema, 'chats')} (actor, conversation_id, last_sequence) where ${isTurn}`.execute(
      tx,
    )
  },

  async apply(tx, schema, events) {
    const ofChats = events.filter(isChatEvent)
    if (ofChats.length === 0) return
    const rows = await loadRows(tx, schema, [...new Set(ofChats.map((event) => requestIdOf(event.stream)))])
    for (const event of ofChats) {
      const requestId = requestIdOf(event.stream)
      rows.set(requestId, evolveChatRow(rows.get(requestId), event))
    }
    await storeRows(tx, schema, [...rows.values()])
  },
}

const requestIdOf = (stream: string): string => stream.slice('chat/'.length)

async function loadRows(tx: Tx, schema: string, requestIds: readonly string[]): Promise<Map<string, ChatRow>> {
  const { rows } = await sql`
    select ${sql.join(names.map((name) => sql.id(name)))} from ${sql.id(schema, 'chats')} where request_id = any(${requestIds}::text[])`.execute(
    tx,
  )
  return new Map(rows.map((row) => ChatRow.parse(row)).map((row) => [row.request_id, row]))
}

async function storeRows(tx: Tx, schema: string, rows: readonly ChatRow[]): Promise<void> {
  const typed = Object.entries(columns).map(([name, type]) => sql`${sql.id(name)} ${sql.raw(typeAlone(type))}`)
  const updates = names
    .filter((name) => name !== 'request_id')
    .map((name) => sql`${sql.id(name)} = excluded.${sql.id(name)}`)
  await sql`
    insert into ${sql.id(schema, 'chats')} (${sql.join(names.map((name) => sql.id(name)))})
    select * from json_to_recordset(${JSON.stringify(rows)}::json) as chat (${sql.join(typed)})
    on conflict (request_id) do update set ${sql.join(updates)}`.execute(tx)
}
