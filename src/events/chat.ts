import { z } from 'zod'
import { Micros, TokenCount } from './amounts.ts'
import { BudgetStream } from './budget.ts'
import { MemberId } from './election.ts'
import { isEventOf, type EventOf, type RecordedEvent } from './event.ts'
import { Position, Uuid7, type StreamName } from './identifiers.ts'
import { isModelCallEvent, type ModelCallEvent } from './model-call.ts'
import { BudgetScope } from './policy.ts'

/**
 * `chat/<requestId>`: one question to the council, from the prompt to exactly one of
 * `AnswerCompleted`, `AnswerFailed`, `AnswerCancelled`.
 */
export const maxPromptCharacters = 16_000
export const maxAnswerCharacters = 1_000_000
export const maxCritiqueCharacters = 20_000
export const maxModelMessageCharacters = 1_000
/** Of the instructions and of all turns that a client gives with a prompt, together. */
export const maxGivenCharacters = 200_000

/** Why a member has no draft that could be judged. */
export const draftFaults = ['empty', 'cut_off', 'late', 'model_failed'] as const
export type DraftFault = (typeof draftFaults)[number]

/** Why the chair has written no answer. */
export const synthesisFaults = ['empty', 'late', 'model_failed'] as const

export const AnswerPath = z.enum(['fast', 'full', 'action'])

/** What chose the path of a prompt. */
export const RoutedBy = z.enum(['rule', 'classifier', 'model', 'user'])

/** The reasons for a prompt to end without an answer, explained in `docs/errors.md`. */
export const answerFailureCodes = [
  'crashed',
  'interrupted',
  'model_unavailable',
  'model_overloaded',
  'model_unauthorized',
  'model_unknown',
  'model_rejected',
  'model_timeout',
  'prompt_too_long',
  'empty_answer',
  'answer_filtered',
  'budget_exceeded',
  'treasury_frozen',
  'model_unpriced',
  'answer_denied',
  'approval_expired',
  'internal',
] as const
const AnswerFailureCode = z.enum(answerFailureCodes)

/** What a person decided about a prompt that waits; `expired`: no person decided in time, which means no. */
const PauseDecision = z.enum(['granted', 'denied', 'expired'])
export type PauseDecision = z.infer<typeof PauseDecision>

/** Why an answer is degraded: it lacks something that it should have had. `docs/council.md` explains each. */
export const degradedReasons = [
  'context_unavailable',
  'model_ending_unusual',
  'drafts_below_quorum',
  'ballots_below_quorum',
  'budget_below_council',
  'chair_failed',
  'throttled',
] as const
export type DegradedReason = (typeof degradedReasons)[number]

const answerText = z.string().max(maxAnswerCharacters)
const tokens = z.strictObject({ promptTokens: TokenCount, completionTokens: TokenCount })
const timings = z.strictObject({
  queuedMs: z.number().nonnegative(),
  firstTokenMs: z.number().nonnegative().nullable(),
  totalMs: z.number().nonnegative(),
})
/** The cost of the request over all attempts, in `budget/council/…`. */
const bill = { costMicros: Micros, tokens, timings }

/** The most earlier turns of a conversation that a model is shown. */
export const maxEarlierTurns = 100

/** A question with the answer that the asker saw. */
export const Turn = z.strictObject({
  question: z.string().min(1).max(maxGivenCharacters),
  answer: z.string().min(1).max(maxGivenCharacters),
})
export type Turn = z.infer<typeof Turn>

/** A conversation that the client holds itself and gives with each prompt, for clients that know no `conversationId`. */
export const GivenContext = z.strictObject({
  /** Follow the persona of every model that answers. */
  instructions: z.string().min(1).max(maxGivenCharacters).optional(),
  /** Oldest first. */
  turns: z.array(Turn).max(maxEarlierTurns),
})
export type GivenContext = z.infer<typeof GivenContext>

/**
 * The part of a conversation that a model was shown with a prompt. `window`: older turns did not fit into the model's window.
 * `limit`: there are more or longer turns than the council reads. `unavailable`: the earlier turns could not be read.
 */
export const SensedConversation = z.strictObject({
  conversationId: z.string().max(128),
  /** The earlier prompts that the model saw with their answers, oldest first. */
  requestIds: z.array(Uuid7).max(maxEarlierTurns),
  /** For a prompt with its own context: the number of its turns that the model saw, the newest. */
  given: z.int().nonnegative().max(maxEarlierTurns).optional(),
  /** The number of earlier turns that the model did not see; null where it is unknown. */
  omitted: z.int().nonnegative().nullable(),
  reason: z.enum(['window', 'limit', 'unavailable']).optional(),
})
export type SensedConversation = z.infer<typeof SensedConversation>

/** Phases whose model call writes the answer itself. Clients see its text at once, so it is never withdrawn. */
export const isAnsweringPhase = (phase: string): boolean => phase === 'respond' || phase === 'synthesize'

export const chatEvents = {
  PromptSubmitted: {
    version: 2,
    summary:
      'A client submitted a prompt. Version 2 added `context`: the instructions and earlier turns of a client that holds the conversation itself.',
    data: z.strictObject({
      requestId: Uuid7,
      conversationId: z.string().max(128),
      text: z.string().min(1).max(maxPromptCharacters),
      path: AnswerPath.optional(),
      context: GivenContext.optional(),
      submittedAt: z.iso.datetime(),
    }),
  },
  AttemptStarted: {
    version: 1,
    summary: 'A worker took the job. From here on every write of an older attempt is refused.',
    data: z.strictObject({ attempt: z.int().positive(), worker: z.string().max(128), startedAt: z.iso.datetime() }),
  },
  RequestRouted: {
    version: 4,
    summary:
      'The path and the intent of the prompt were chosen. Version 2 added `by: classifier`, and `seating`: the hash of the council that sat. Version 3 added `throttledBy`: the scopes whose throttle closed the full path and shortens the answer. Version 4 added `held`: clients get no text before a person releases the answer.',
    data: z.strictObject({
      path: AnswerPath,
      intent: z.string().max(64),
      by: RoutedBy,
      confidence: z.number().min(0).max(1),
      seating: z.string().max(64).optional(),
      throttledBy: z.array(BudgetScope).max(4).optional(),
      held: z.literal(true).optional(),
    }),
  },
  ContextSensed: {
    version: 2,
    summary:
      'The earlier turns that the model was shown, recorded together with the route for a prompt of a named conversation or with its own context. An attempt that takes over shows its model the same turns. Version 2 added `given`.',
    data: z.strictObject({ conversation: SensedConversation }),
  },
  DraftProduced: {
    version: 1,
    summary: 'A member of the council has drafted an answer.',
    data: z.strictObject({ member: MemberId, text: answerText, callId: z.string().max(128) }),
  },
  DraftFailed: {
    version: 2,
    summary:
      'A member has no draft to judge. It may still judge those of others. Version 2 added `message`: what a model that failed said.',
    data: z.strictObject({
      member: MemberId,
      why: z.enum(draftFaults),
      /** The part that was written. */
      text: answerText,
      message: z.string().max(maxModelMessageCharacters).optional(),
      callId: z.string().max(128).optional(),
    }),
  },
  CritiqueProduced: {
    version: 1,
    summary: 'A member has reviewed the drafts of others.',
    data: z.strictObject({
      member: MemberId,
      text: z.string().min(1).max(maxCritiqueCharacters),
      callId: z.string().max(128),
    }),
  },
  SynthesisFailed: {
    version: 1,
    summary:
      'The chair failed or was late, so the winning draft is the answer, after the text of the chair that clients may have seen. An attempt that takes over continues with the draft.',
    data: z.strictObject({
      member: MemberId,
      why: z.enum(synthesisFaults),
      message: z.string().max(maxModelMessageCharacters).optional(),
      /** The length of the chair's text, in UTF-16 code units. */
      characters: z.int().nonnegative().max(maxAnswerCharacters),
      callId: z.string().max(128).optional(),
    }),
  },
  AnswerHeld: {
    version: 1,
    summary:
      'The answer is written and waits for a person, in the approval of this id. `promptPosition` is the position of its `PromptSubmitted`.',
    data: z.strictObject({
      approvalId: Uuid7,
      promptPosition: Position,
      text: answerText,
      finishReason: z.enum(['stop', 'length']),
      reasons: z.array(z.enum(degradedReasons)).max(degradedReasons.length).readonly(),
    }),
  },
  PromptPaused: {
    version: 1,
    summary:
      'The prompt waits for a person, in the approval of this id: the day of a budget is used up, and its policy asks whether to go on.',
    data: z.strictObject({
      approvalId: Uuid7,
      promptPosition: Position,
      why: z.literal('budget_exceeded'),
      budget: BudgetStream,
    }),
  },
  PromptResumed: {
    version: 1,
    summary: 'The decision about a waiting prompt is there, and another attempt goes on where the last one stopped.',
    data: z.strictObject({ approvalId: Uuid7, promptPosition: Position, decision: PauseDecision }),
  },
  CancellationRequested: {
    version: 1,
    summary: 'A client asked to cancel the prompt.',
    data: z.strictObject({ by: z.string().max(128) }),
  },
  AnswerCompleted: {
    version: 3,
    summary:
      'The prompt ended with an answer. Version 2 added `reasons`: why the answer is degraded. Version 3 added the reason `throttled`.',
    data: z.strictObject({
      text: answerText,
      finishReason: z.enum(['stop', 'length']),
      degraded: z.boolean(),
      reasons: z.array(z.enum(degradedReasons)).max(8).readonly().optional(),
      ...bill,
    }),
  },
  AnswerFailed: {
    version: 4,
    summary:
      'The prompt ended without a complete answer; `text` is the part that was produced. Version 2 added the codes `empty_answer` and `answer_filtered`, version 3 `treasury_frozen` and `model_unpriced`, version 4 `answer_denied` and `approval_expired`.',
    data: z.strictObject({ code: AnswerFailureCode, message: z.string().max(1000), text: answerText, ...bill }),
  },
  AnswerCancelled: {
    version: 1,
    summary: 'The prompt was cancelled; `text` is the part that was produced.',
    data: z.strictObject({ text: answerText, ...bill }),
  },
} as const

/** An event of a prompt: its own, or one of its model calls. */
export type ChatEvent = EventOf<typeof chatEvents> | ModelCallEvent
const isOwnEvent = isEventOf(chatEvents)
export const isChatEvent = (event: RecordedEvent): event is RecordedEvent<ChatEvent> =>
  isOwnEvent(event) || (isModelCallEvent(event) && event.stream.startsWith('chat/'))

export const chatStream = (requestId: Uuid7) => `chat/${requestId}` as StreamName<'chat'>

export type AnswerFailureCode = z.infer<typeof AnswerFailureCode>
