import { maxEarlierTurns, type GivenContext, type SensedConversation, type Turn } from '../../events/chat.ts'
import type { EarlierTurns, PromptInConversation } from '../../projections/chats.ts'
import { unlessModelError, type ModelClient } from '../models/model.ts'
import { conversationMessages } from './prompts.ts'

/** The conversation of a prompt: one that the council knows, or one that the client gave with it. */
export type AskedConversation = PromptInConversation | GivenConversation
type GivenConversation = { conversationId: string; given: GivenContext }

/** The part of a conversation that the model sees: the record of it, and the turns themselves, oldest first. */
export type Conversation = { sensed: SensedConversation; turns: Turn[] }

/** The persona of a model, followed by the instructions that the client gave. */
export function personaIn(conversation: AskedConversation | null, persona: string): string {
  const instructions = conversation && 'given' in conversation ? conversation.given.instructions : undefined
  return instructions === undefined ? persona : `${persona}\n\n${instructions}`
}

/** What the turns share a model's window with. */
export type SharedWindow = {
  model: Pick<ModelClient, 'info' | 'countPromptTokens' | 'promptTokensAtMost'>
  persona: string
  answerMaxTokens: number
}
export type ConversationDependencies = SharedWindow & { earlierTurns: EarlierTurns }

/** Limit for all tokenizer requests together. After it, the upper bound decides. */
const countWithinMs = 2_000
/** Written text never has more bytes a token, so larger selections are not sent to the tokenizer. */
const maxBytesPerToken = 16

/**
 * Gathers the earlier turns of a prompt's conversation: as many of the newest as fit into the model's window next to the question
 * and the longest answer. Takes a few seconds at most and never fails: the record counts the omitted turns and gives the reason.
 */
export async function gatherConversation(
  dependencies: ConversationDependencies,
  prompt: AskedConversation,
  question: string,
  signal: AbortSignal,
): Promise<Conversation> {
  const { conversationId } = prompt
  if ('given' in prompt) return gatherGiven(dependencies, prompt, question, signal)
  const known = await dependencies.earlierTurns.before(prompt)
  if (!known) return { sensed: { conversationId, requestIds: [], omitted: null, reason: 'unavailable' }, turns: [] }
  const count = await fittingTurns(dependencies, question, known.turns, signal)
  if (count === null)
    return { sensed: { conversationId, requestIds: [], omitted: known.total, reason: 'unavailable' }, turns: [] }
  const fitting = known.turns.slice(0, count)
  const omitted = known.total - fitting.length
  const reason = fitting.length < known.turns.length ? 'window' : 'limit'
  const turns = fitting.toReversed()
  return {
    sensed: {
      conversationId,
      requestIds: turns.map(({ requestId }) => requestId),
      omitted,
      ...(omitted > 0 && { reason }),
    },
    turns,
  }
}

/** The same for turns that came with the prompt. */
async function gatherGiven(
  dependencies: ConversationDependencies,
  { conversationId, given: { turns } }: GivenConversation,
  question: string,
  signal: AbortSignal,
): Promise<Conversation> {
  const count = await fittingTurns(dependencies, question, turns.toReversed(), signal)
  const given = count ?? 0
  const omitted = turns.length - given
  const reason = count === null ? 'unavailable' : 'window'
  return {
    sensed: { conversationId, requestIds: [], given, omitted, ...(omitted > 0 && { reason }) },
    turns: newest(turns, given),
  }
}

/** The turns that a model saw, oldest first. */
export const newest = (turns: readonly Turn[], count: number): Turn[] => turns.slice(turns.length - count)

/** Counts the newest turns that fit; null while the model cannot tell its window. */
async function fittingTurns(
  { model, persona, answerMaxTokens }: ConversationDependencies,
  question: string,
  newestFirst: readonly Turn[],
  signal: AbortSignal,
): Promise<number | null> {
  if (newestFirst.length === 0) return 0
  const messages = (turns: number) => conversationMessages(persona, question, newestFirst.slice(0, turns).toReversed())
  const info = await model.info().catch(unlessModelError)
  if (!info) return null
  const room = info.contextTokens - answerMaxTokens
  const largest = (fits: (turns: number) => boolean): number => {
    let most = 0
    while (most < newestFirst.length && fits(most + 1)) most += 1
    return most
  }
  const certain = largest((turns) => model.promptTokensAtMost(messages(turns), '') <= room)
  const plausible = Math.min(
    maxEarlierTurns,
    largest((turns) => bytesOf(newestFirst.slice(0, turns)) <= room * maxBytesPerToken),
  )
  const within = AbortSignal.any([signal, AbortSignal.timeout(countWithinMs)])
  return mostThatFit(certain, plausible, async (turns) => {
    const tokens = await model.countPromptTokens(messages(turns), within).catch(unlessModelError)
    return tokens === null ? null : tokens <= room
  })
}

/** Finds the largest number of turns that fit, by bisection from `low`, which is known to fit. Stops early when `fits` returns null. */
async function mostThatFit(
  low: number,
  high: number,
  fits: (turns: number) => Promise<boolean | null>,
): Promise<number> {
  // Usually all turns fit, so the search starts there.
  for (let turns = high; low < high; turns = Math.ceil((low + high) / 2)) {
    const answer = await fits(turns)
    if (answer === null) return low
    if (answer) low = turns
    else high = turns - 1
  }
  return low
}

const bytesOf = (turns: readonly Turn[]): number =>
  turns.reduce((sum, { question, answer }) => sum + Buffer.byteLength(question) + Buffer.byteLength(answer), 0)
