import { z } from 'zod'
import { chatStream, maxAnswerCharacters, type ChatEvent } from '../../events/chat.ts'
import { Uuid7 } from '../../events/identifiers.ts'
import { writtenLength } from '../../events/written-length.ts'
import type { StatesOf } from '../decider.ts'
import { callsOf } from '../budget/paid-work.ts'
import { refused } from '../refusals.ts'
import { settle, Settlement, stepAggregates, stepReads } from '../budget/settlement.ts'

/** The fields of every command that ends an answer: the attempt, the text, the settlement of the last call, and the finished job. */
export const answerEnding = {
  requestId: Uuid7,
  attempt: z.int().positive(),
  /** The limit applies to the JSON text, because readers reject a longer event. */
  text: z
    .string()
    .refine(
      (text) => writtenLength(text) <= maxAnswerCharacters,
      `is longer than ${maxAnswerCharacters} characters as JSON`,
    ),
  settlement: Settlement.optional(),
  firstTokenMs: z.number().nonnegative().nullable(),
  /** When the worker finished; determines the total time. */
  endedAtMs: z.number().nonnegative(),
  /** The entry of the work stream that this append removes. */
  job: z.string().regex(/^\d+-\d+$/),
}
type Ending = z.infer<z.ZodObject<typeof answerEnding>>

export const endingAggregates = stepAggregates

export const endingReads = ({ requestId, attempt, settlement }: Pick<Ending, 'requestId' | 'attempt' | 'settlement'>) =>
  stepReads(chatStream(requestId), { attempt, settlement })

type Bill = {
  costMicros: number
  tokens: { promptTokens: number; completionTokens: number }
  timings: { queuedMs: number; firstTokenMs: number | null; totalMs: number }
}

/**
 * Ends a prompt with the terminal event that `terminal` builds from the bill, and settles the last model call in the same append,
 * so an ended answer is paid for exactly once.
 */
export function endAnswer(
  ending: Ending,
  states: StatesOf<typeof endingAggregates>,
  { now }: { now: string },
  terminal: (bill: Bill) => ChatEvent,
) {
  const prompt = chatStream(ending.requestId)
  const calls = callsOf(states, prompt, ending.attempt)
  if (typeof calls === 'string') return refused(calls)
  if (states.chat.status !== 'open') return refused('prompt_finished')
  const settled = settle(calls, prompt, ending.settlement, states, now)
  if (!settled) return refused('call_not_open', { callId: ending.settlement?.callId ?? '' })
  const leftOpen = calls.openCalls.length - (ending.settlement ? 1 : 0)
  if (leftOpen > 0) return refused('calls_still_open', { calls: leftOpen })

  const submittedAtMs = Date.parse(states.chat.submittedAt)
  const queuedMs = Math.max(0, Date.parse(states.chat.firstStartedAt ?? states.chat.submittedAt) - submittedAtMs)
  const totalMs = Math.max(0, ending.endedAtMs - submittedAtMs)
  const bill = { ...settled.bill, timings: { queuedMs, firstTokenMs: ending.firstTokenMs, totalMs } }
  const events = { ...settled.events, chat: [...settled.events.chat, terminal(bill)] }
  return { outcome: 'accepted' as const, events, finishesJob: ending.job }
}
