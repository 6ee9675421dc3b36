import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { z } from 'zod'
import { maxEarlierTurns } from '../events/chat.ts'
import { Uuid7, type Position } from '../events/identifiers.ts'
import type { Postgres } from '../platform/postgres/postgres.ts'
import { chats, isTurn } from './chats.ts'
import type { Tx } from './engine/projection.ts'
import { readModelReader } from './engine/read-model-reader.ts'
import { IntegerColumn, storableText } from './engine/rows.ts'

/** One question of a conversation with the text that its asker saw as the answer. */
export type EarlierTurn = { requestId: Uuid7; question: string; answer: string }

/** A prompt in its conversation: who asked, and where its `PromptSubmitted` is in the log. */
export type PromptInConversation = { conversationId: string; actor: string; position: Position; sequence: number }

/** Reads the turns of conversations. Both calls take `readWithinMs` at most, and resolve with null where the turns cannot be read in that time. */
export type EarlierTurns = {
  /**
   * The turns that had ended before the prompt was submitted, newest first: at most `maxEarlierTurns`, and `maxTurnBytes` of text.
   * `total` counts all of them, up to `maxCountedTurns`. A conversation belongs to its asker: no turn of another one is in it.
   */
  before: (prompt: PromptInConversation) => Promise<{ turns: EarlierTurn[]; total: number } | null>
  /** The turns of these requests, in this order; null also where one of them is missing. */
  named: (prompt: PromptInConversation, requestIds: readonly Uuid7[]) => Promise<EarlierTurn[] | null>
}

/** The read model mostly needs a few milliseconds to reach a prompt; somebody waits for an answer meanwhile. */
const readWithinMs = 2_000
const pollMs = 10
/** Far beyond what fits into the window of a model. */
const maxTurnBytes = 1024 * 1024
const maxCountedTurns = 10_000

const Rows = z.array(
  z
    .object({ request_id: Uuid7, prompt: z.string(), answer: z.string() })
    .transform((row): EarlierTurn => ({ requestId: row.request_id, question: row.prompt, answer: row.answer })),
)
const Counted = z.tuple([z.object({ total: IntegerColumn })])

/** Reads `read_models.chats`, never staler than the prompt. */
export function earlierTurns(postgres: Pick<Postgres<unknown>, 'snapshot'>): EarlierTurns {
  const read = readModelReader(postgres, {
    waitMs: readWithinMs,
    pollMs,
    elapsedMs: () => performance.now(),
    pause: (ms) => delay(ms),
  })

  /** A server that is silent answers nothing for longer than anyone may wait here. */
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

/** An ended prompt gets no further event, so its last one is its end. */
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
