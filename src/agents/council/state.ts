import { Annotation } from '@langchain/langgraph'
import type { Settlement } from '../../commands/budget/settlement.ts'
import type { DegradedReason, Turn } from '../../events/chat.ts'
import type { BudgetScope } from '../../events/policy.ts'
import type { EarlierTurns } from '../../projections/chats.ts'
import type { CallOutcome } from '../model-call.ts'
import type { ModelClient } from '../models/model.ts'
import type { AgentDependencies, Run } from '../run.ts'
import type { AnswerText } from '../worker/answer-text.ts'
import type { AskedConversation } from './conversation.ts'
import type { Progress } from './progress.ts'
import type { Seating } from './seating.ts'

/** The path of an answer, and what chose it. */
export type Route = {
  path: 'fast' | 'full' | 'action'
  intent: string
  by: 'rule' | 'classifier' | 'model' | 'user'
  confidence: number
  /** The scopes whose throttle closes the full path. */
  throttledBy?: BudgetScope[]
  /** Of the model call that chose the path. It is recorded with the route, so that no other attempt pays for the call again. */
  settlement?: Settlement
}

/** The state of one run of the orchestrator. It is never stored: everything that must survive is in events. */
export const CouncilState = Annotation.Root({
  /** Carries the request id from the WebSocket handler to the model server (seed story 7.1). */
  run: Annotation<Run>,
  /** The answer so far; new text is added to it. */
  answer: Annotation<AnswerText>,
  question: Annotation<string>,
  /** The path that the user asked for. */
  requestedPath: Annotation<'fast' | 'full' | 'action' | null>,
  /** Null for a prompt without a conversation. */
  conversation: Annotation<AskedConversation | null>,
  /** What earlier attempts and the nodes before this one have recorded. */
  progress: Annotation<Progress>,
  /** Null if an earlier attempt recorded the route. */
  chosen: Annotation<Route | null>,
  /** The earlier turns that the models see, oldest first. */
  turns: Annotation<readonly Turn[]>,
  /** What the answer lacks. */
  reasons: Annotation<readonly DegradedReason[]>({
    reducer: (all, more) => [...new Set([...all, ...more])],
    default: () => [],
  }),
  /** The end of the run; no later node runs. */
  outcome: Annotation<CallOutcome | null>,
})
export type CouncilState = typeof CouncilState.State
export type CouncilUpdate = typeof CouncilState.Update

export type CouncilDependencies = AgentDependencies & {
  earlierTurns: EarlierTurns
  seating: Seating
  /** The client of a member's model; the default model without a name. */
  modelOf: (name?: string) => ModelClient
  /** Shows a piece of a member's text to clients, before its draft is finished. */
  preview: (run: Run, member: string, text: string) => void
}
