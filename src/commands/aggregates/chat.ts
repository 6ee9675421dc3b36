import { isAnsweringPhase, type ChatEvent } from '../../events/chat.ts'
import type { BudgetStream } from '../../events/budget.ts'
import type { Aggregate } from '../decider.ts'

/** After this many attempts the answer fails as `crashed`. */
export const maxAttempts = 3

/** A model call whose cost is not settled. */
export type OpenCall = {
  callId: string
  attempt: number
  model: string
  phase: string
  member: string
  budgets: BudgetStream[]
  reservedMicros: number
}

export type OpenChat = {
  status: 'open'
  submittedAt: string
  /** When the first worker took the prompt from the queue. */
  firstStartedAt: string | null
  attempt: number
  path: 'fast' | 'full' | 'action' | null
  cancelRequested: boolean
  openCalls: OpenCall[]
  /** The members whose draft is finished or has failed. */
  drafted: string[]
  /** The members that have reviewed the drafts. */
  reviewed: string[]
  /** The newest attempt that called a model for the answer itself, so clients may have seen its text. 0: none. */
  answeredInAttempt: number
  /** The cost of all ended calls, over all attempts. */
  costMicros: number
  promptTokens: number
  completionTokens: number
}

/** The state of a prompt. A finished prompt keeps only its status. */
export type Chat = { status: 'absent' } | OpenChat | { status: 'finished' }

const finished: Chat = { status: 'finished' }

export const chat: Aggregate<Chat, ChatEvent, 'chat'> = {
  category: 'chat',
  stateVersion: 2,
  initial: { status: 'absent' },
  finished,
  evolve,
  unfinishedJob: ({ status }) => (status === 'open' ? 'answer' : null),
}

function evolve(state: Chat, event: ChatEvent): Chat {
  if (event.type === 'PromptSubmitted') return opened(event.data.submittedAt)
  if (state.status !== 'open') throw new Error(`${event.type} on a prompt that is ${state.status}`)
  switch (event.type) {
    case 'AttemptStarted':
      return { ...state, attempt: event.data.attempt, firstStartedAt: state.firstStartedAt ?? event.data.startedAt }
    case 'RequestRouted':
      return { ...state, path: event.data.path }
    // An attempt that takes over reads these events in the log, so the state stays small.
    case 'ContextSensed':
    case 'SynthesisFailed':
      return state
    case 'ModelCallStarted':
      return {
        ...state,
        openCalls: [...state.openCalls, event.data],
        answeredInAttempt: isAnsweringPhase(event.data.phase) ? event.data.attempt : state.answeredInAttempt,
      }
    case 'ModelCallEnded':
      return {
        ...state,
        openCalls: state.openCalls.filter((call) => call.callId !== event.data.callId),
        costMicros: state.costMicros + event.data.costMicros,
        promptTokens: state.promptTokens + event.data.promptTokens,
        completionTokens: state.completionTokens + event.data.completionTokens,
      }
    case 'DraftProduced':
    case 'DraftFailed':
      return { ...state, drafted: [...state.drafted, event.data.member] }
    case 'CritiqueProduced':
      return { ...state, reviewed: [...state.reviewed, event.data.member] }
    case 'CancellationRequested':
      return { ...state, cancelRequested: true }
    case 'AnswerCompleted':
    case 'AnswerFailed':
    case 'AnswerCancelled':
      return finished
    default:
      return event satisfies never
  }
}

const opened = (submittedAt: string): OpenChat => ({
  status: 'open',
  submittedAt,
  firstStartedAt: null,
  attempt: 0,
  path: null,
  cancelRequested: false,
  openCalls: [],
  drafted: [],
  reviewed: [],
  answeredInAttempt: 0,
  costMicros: 0,
  promptTokens: 0,
  completionTokens: 0,
})

/** Why a worker's attempt may not write to the prompt; null for the newest attempt. */
export function attemptProblem(
  state: Chat,
  attempt: number,
): 'prompt_unknown' | 'prompt_finished' | 'attempt_superseded' | null {
  if (state.status === 'absent') return 'prompt_unknown'
  if (state.status === 'finished') return 'prompt_finished'
  return state.attempt === attempt ? null : 'attempt_superseded'
}
