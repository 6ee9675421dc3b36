import { unlessModelError, type ChatMessage, type ModelClient } from '../models/model.ts'
import type { LabelledDraft } from './labels.ts'

type Window = Pick<ModelClient, 'info' | 'countPromptTokens' | 'promptTokensAtMost'>

/** Limit for all tokenizer requests of one prompt. */
const countWithinMs = 2_000
const maxCounts = 6

/**
 * Builds a prompt that fits into a model's window next to the longest answer: `build` gets the most characters that each quoted text
 * may have. Texts are cut only if they must be, and then all at the same length, so that none is favoured.
 */
export async function fitted(
  model: Window,
  maxTokens: number,
  longest: number,
  build: (charactersEach: number) => ChatMessage[],
): Promise<ChatMessage[]> {
  const whole = build(longest)
  const info = await model.info().catch(unlessModelError)
  if (!info) return whole
  const room = info.contextTokens - maxTokens
  if (model.promptTokensAtMost(whole, '') <= room) return whole
  const signal = AbortSignal.timeout(countWithinMs)
  const fits = async (messages: ChatMessage[]): Promise<boolean> => {
    const tokens = await model.countPromptTokens(messages, signal).catch(unlessModelError)
    return (tokens ?? model.promptTokensAtMost(messages, '')) <= room
  }
  let best = build(0)
  if (await fits(whole)) return whole
  let [low, high] = [0, longest]
  for (let counts = 1; counts < maxCounts && low < high; counts++) {
    const middle = Math.ceil((low + high) / 2)
    const messages = build(middle)
    if (await fits(messages)) [low, best] = [middle, messages]
    else high = middle - 1
  }
  return best
}

/** The prompt about some drafts, which are cut at the same length if they do not fit. */
export const fittedDrafts = (
  model: Window,
  maxTokens: number,
  drafts: readonly LabelledDraft[],
  build: (drafts: readonly LabelledDraft[]) => ChatMessage[],
): Promise<ChatMessage[]> =>
  fitted(model, maxTokens, Math.max(...drafts.map(({ text }) => text.length)), (characters) =>
    build(drafts.map((draft) => ({ ...draft, text: beginningOf(draft.text, characters) }))),
  )

/** The beginning of a text, with a mark where it was cut. */
export const beginningOf = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters).toWellFormed()} […]`
