import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Answer } from '../../src/client/client.ts'
import { newId } from '../../src/client/new-id.ts'
import { liveRows } from '../live.ts'
import { council, faultOf } from '../server.ts'
import { asked, givenUp, isRunning, withFrame, type Turn } from './answer.ts'
import { recalled, type ChatRow } from './chat-row.ts'
import { forget, remember, remembered } from './running-questions.ts'

/** Answers stream into these signals whatever page is shown, so leaving the chat and coming back loses nothing. */
const turnsOf = new Map<string, Signal<readonly Turn[]>>()
/** The answers that stream here, by request. */
const running = new Set<string>()

/** The newest prompts of this user, from which the list of conversations is made; null until they are loaded. */
const recent = signal<readonly ChatRow[] | null>(null)
export const connectionNote = signal<string | null>(null)

const newest = liveRows<ChatRow>(() => 'chats?asker=me&limit=1', 'chats')
/** The newest prompt of this user, if it was asked in another window since the list was loaded. */
export const askedElsewhere = computed(() => {
  const requestId = newest.value.state === 'there' ? newest.value.value[0]?.requestId : undefined
  const isKnown = requestId === undefined || recent.value?.some((row) => row.requestId === requestId)
  return isKnown || running.has(requestId) ? null : requestId
})

export type ConversationTitle = { conversationId: string; title: string; at: string }

/** The conversations of the newest prompts, newest first, each with its first prompt that is known. */
export const conversations: ReadonlySignal<readonly ConversationTitle[] | null> = computed(() => {
  if (recent.value === null) return null
  const titles = new Map<string, ConversationTitle>()
  for (const { conversationId, prompt, submittedAt } of recent.value)
    titles.set(conversationId, { conversationId, title: prompt, at: titles.get(conversationId)?.at ?? submittedAt })
  return [...titles.values()]
})

/** The turns of a conversation, oldest first; they change while answers stream. */
export function turnsIn(conversationId: string): ReadonlySignal<readonly Turn[]> {
  return turnSignal(conversationId)
}

function turnSignal(conversationId: string): Signal<readonly Turn[]> {
  const known = turnsOf.get(conversationId)
  if (known) return known
  const made = signal<readonly Turn[]>([])
  turnsOf.set(conversationId, made)
  return made
}

/** Loads what the server knows: the list of conversations, and the turns of one. Continues answers that still run. */
export async function loadConversation(conversationId: string | null): Promise<void> {
  try {
    await loadRecent()
    if (conversationId !== null) await loadTurns(conversationId)
    connectionNote.value = null
  } catch (error) {
    connectionNote.value = `the conversations cannot be loaded: ${faultOf(error)}`
  }
}

const recentPrompts = 200

async function loadRecent(): Promise<void> {
  const { body } = await council.read<{ chats: ChatRow[] }>('/v1/chats', {
    query: { asker: 'me', limit: recentPrompts },
  })
  recent.value = body.chats
}

async function loadTurns(conversationId: string): Promise<void> {
  const query = { conversation: conversationId, limit: recentPrompts }
  const { body } = await council.read<{ chats: ChatRow[] }>('/v1/chats', { query })
  const turns = turnSignal(conversationId)
  const here = new Map(turns.value.map((turn) => [turn.requestId, turn]))
  const stored = body.chats.toReversed().map((row) => here.get(row.requestId) ?? recalled(row))
  const known = new Set(stored.map(({ requestId }) => requestId))
  // A question that the read model does not have yet.
  const newer = remembered(conversationId)
    .filter(({ requestId }) => !known.has(requestId) && !here.has(requestId))
    .map(({ requestId, question }) => asked(requestId, question))
  turns.value = [...stored, ...turns.value.filter(({ requestId }) => !known.has(requestId)), ...newer]
  for (const turn of turns.value) if (!running.has(turn.requestId) && isUnfinished(turn)) resume(conversationId, turn)
}

const isUnfinished = (turn: Turn): boolean => isRunning(turn) || turn.status === 'waiting'

/** Asks a question in a conversation; its answer streams into the conversation's turns. */
export function ask(conversationId: string, question: string, path: 'fast' | 'full' | undefined): void {
  const requestId = newId()
  const turns = turnSignal(conversationId)
  turns.value = [...turns.value, asked(requestId, question)]
  remember({ conversationId, requestId, question })
  const answer = council.ask({ requestId, conversationId, text: question, ...(path && { path }) }, { onLost: noteLoss })
  void stream(conversationId, answer, true)
}

/** Cancels an answer and keeps its text. Its stream then ends with `cancelled`. */
export async function stop(requestId: string): Promise<void> {
  try {
    await council.cancel(requestId)
  } catch (error) {
    connectionNote.value = `the answer could not be stopped: ${faultOf(error)}`
  }
}

/** Fetches the deliberation of an answer of an earlier visit. */
export function loadStory(conversationId: string, turn: Turn): void {
  if (!turn.hasStory && !running.has(turn.requestId)) resume(conversationId, turn)
}

function resume(conversationId: string, { requestId }: Turn): void {
  void stream(conversationId, council.resume(requestId, { onLost: noteLoss }), false)
}

const noteLoss = ({ why }: { why: string }): void =>
  void (connectionNote.value = `connection lost (${why}); reconnecting`)

async function stream(conversationId: string, answer: Answer, isLive: boolean): Promise<void> {
  const { requestId } = answer
  const turns = turnSignal(conversationId)
  const update = (change: (turn: Turn) => Turn): void =>
    void (turns.value = turns.value.map((turn) => (turn.requestId === requestId ? change(turn) : turn)))
  running.add(requestId)
  try {
    for await (const frame of answer) {
      connectionNote.value = null
      update((turn) => withFrame(turn, frame, isLive ? performance.now() : null))
    }
  } catch (error) {
    const why = faultOf(error)
    update((turn) => (isUnfinished(turn) ? givenUp(turn, why) : turn))
  } finally {
    running.delete(requestId)
    forget(requestId)
  }
  await loadConversation(null)
}
