import type { BudgetStream } from '../../events/budget.ts'
import { isAnsweringPhase, type ChatEvent, type PauseDecision } from '../../events/chat.ts'
import type { Position } from '../../events/identifiers.ts'
import type { Aggregate } from '../decider.ts'
import { callsAfter, type PaidCalls } from '../paid-calls.ts'

/** What a prompt waits for: the approval, and where its `PromptSubmitted` is. */
export type Pause = {
  approvalId: string
  why: 'answer_held' | 'budget_exceeded'
  /** The budget whose day is used up. */
  budget: BudgetStream | null
  promptPosition: Position
}

export type OpenChat = PaidCalls & {
  status: 'open'
  submittedAt: string
  /** When the first worker took the prompt from the queue. */
  firstStartedAt: string | null
  attempt: number
  /** The attempts before the newest pause: a pause is no crash. */
  attemptsBeforePause: number
  path: 'fast' | 'full' | 'action' | null
  /** Clients get no text before a person releases the answer. */
  isHeld: boolean
  pause: Pause | null
  /** The budgets whose limit a person let this prompt exceed. */
  mayExceed: BudgetStream[]
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
  stateVersion: 3,
  initial: { status: 'absent' },
  finished,
  evolve,
  unfinishedJob: (state) => (state.status === 'open' && state.pause === null ? 'answer' : null),
}

function evolve(state: Chat, event: ChatEvent): Chat {
  if (event.type === 'PromptSubmitted') return opened(event.data.submittedAt)
  if (state.status !== 'open') throw new Error(`${event.type} on a prompt that is ${state.status}`)
  switch (event.type) {
    case 'AttemptStarted':
      return { ...state, attempt: event.data.attempt, firstStartedAt: state.firstStartedAt ?? event.data.startedAt }
    case 'RequestRouted':
      return { ...state, path: event.data.path, isHeld: event.data.held === true }
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
    case 'AnswerHeld':
      return paused(state, { ...event.data, why: 'answer_held', budget: null })
    case 'PromptPaused':
      return paused(state, event.data)
    case 'PromptResumed':
      return resumed(state, event.data.decision)
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

const paused = (state: OpenChat, { approvalId, why, budget, promptPosition }: Pause): OpenChat => ({
  ...state,
  pause: { approvalId, why, budget, promptPosition },
})

function resumed(state: OpenChat, decision: PauseDecision): OpenChat {
  const { pause, attempt, mayExceed, isHeld } = state
  const isGranted = decision === 'granted'
  return {
    ...state,
    pause: null,
    attemptsBeforePause: attempt,
    isHeld: isHeld && !(isGranted && pause?.why === 'answer_held'),
    mayExceed: isGranted && pause?.budget ? [...mayExceed, pause.budget] : mayExceed,
  }
}

const opened = (submittedAt: string): OpenChat => ({
  status: 'open',
  submittedAt,
  firstStartedAt: null,
  attempt: 0,
  attemptsBeforePause: 0,
  path: null,
  isHeld: false,
  pause: null,
  mayExceed: [],
  cancelRequested: false,
  openCalls: [],
  drafted: [],
  reviewed: [],
  answeredInAttempt: 0,
  costMicros: 0,
  promptTokens: 0,
  completionTokens: 0,
})
