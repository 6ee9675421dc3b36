import { isAnsweringPhase, type ChatEvent } from '../../events/chat.ts'
import type { Aggregate } from '../decider.ts'
import { callsAfter, type PaidCalls } from '../paid-calls.ts'

export type OpenChat = PaidCalls & {
  status: 'open'
  submittedAt: string
  /** When the first worker took the prompt from the queue. */
  firstStartedAt: string | null
  attempt: number
  path: 'fast' | 'full' | 'action' | null
  cancelRequested: boolean
  /** The members whose draft is finished or has failed. */
  drafted: string[]
  /** The members that have reviewed the drafts. */
  reviewed: string[]
  /** The newest attempt that called a model for the answer itself, so clients may have seen its text. 0: none. */
  answeredInAttempt: number
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
        ...callsAfter(state, event),
        answeredInAttempt: isAnsweringPhase(event.data.phase) ? event.data.attempt : state.answeredInAttempt,
      }
    case 'ModelCallEnded':
      return { ...state, ...callsAfter(state, event) }
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
