import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
import { RouteRequest } from '../../commands/chat/route-request.ts'
import type { SensedConversation } from '../../events/chat.ts'
import type { EarlierTurn, EarlierTurns, PromptInConversation } from '../../projections/chats.ts'
import { gatherConversation } from './conversation.ts'
import type { AnswerText } from '../worker/answer-text.ts'
import { callModel, settleCall, type CallOutcome } from '../model-call.ts'
import { fastPathMessages } from './prompts.ts'
import {
  executeUntilKnown,
  assertAppended,
  RunEnded,
  type AgentDependencies,
  type Run,
  type StopReason,
} from '../run.ts'

/**
 * `UserFacingOrchestrator`: how the council comes to an answer. LangGraph gives the control flow; whatever must
 * last is in events, so a run that is cut off anywhere is taken up by another worker from the log.
 * Source: seed stories 6.1, 6.2 and 22.2 (fast path: sense, respond).
 */
const OrchestratorState = Annotation.Root({
  /** Who it is for: the request id travels here from the WebSocket handler to the model's server (seed story 7.1). */
  run: Annotation<Run>,
  /** The answer so far, and where the words go as they come. */
  answer: Annotation<AnswerText>,
  question: Annotation<string>,
  /** Null for a prompt that names no conversation. */
  conversation: Annotation<PromptInConversation | null>,
  /** What an earlier attempt recorded; null until one has. */
  recorded: Annotation<{ path: 'fast'; sensed: SensedConversation | null } | null>,
  /** Null where it was recorded before. */
  chosen: Annotation<Route | null>,
  /** The earlier turns that the model is shown, oldest first. */
  turns: Annotation<readonly EarlierTurn[]>,
  /** Something that should have been in the answer was not to be had. */
  degraded: Annotation<boolean>,
  outcome: Annotation<CallOutcome | null>,
})
export type OrchestratorState = typeof OrchestratorState.State

/** A stream that broke is continued behind its last word this often before the answer fails. */
const maxContinuations = 1

type Route = { path: 'fast'; intent: string; by: 'rule'; confidence: number }
type Asked = Pick<OrchestratorState, 'run' | 'answer' | 'question' | 'conversation' | 'recorded'>

export type Orchestrator = (asked: Asked) => Promise<CallOutcome>

export type OrchestratorDependencies = AgentDependencies & { earlierTurns: EarlierTurns }

/** Compiled once for a process. Without a checkpointer: nothing of the state is ever stored. */
export function createOrchestrator(dependencies: OrchestratorDependencies): Orchestrator {
  const graph = new StateGraph(OrchestratorState)
    .addNode('route', route)
    .addNode('sense', (state) => sense(dependencies, state))
    .addNode('respond', (state) => respond(dependencies, state))
    .addEdge(START, 'route')
    .addEdge('route', 'sense')
    .addEdge('sense', 'respond')
    .addEdge('respond', END)
    .compile({ name: 'UserFacingOrchestrator' })

  return async (state) => {
    // The run's signal is not given to the graph: it would end the graph before the call's cost is known.
    const { outcome, degraded } = await graph.invoke({
      ...state,
      chosen: null,
      turns: [],
      degraded: false,
      outcome: null,
    })
    if (!outcome) throw new Error('the orchestrator ended without an outcome')
    return outcome.kind === 'completed' && degraded ? { ...outcome, degraded } : outcome
  }
}

/** Which path the answer takes. The fast path is the only one yet, so the rule is short. */
const route = ({ recorded }: OrchestratorState): Partial<OrchestratorState> =>
  recorded ? {} : { chosen: { path: 'fast', intent: 'question', by: 'rule', confidence: 1 } }

/** Gathers what the model is shown besides the question, and records that with the route, in one append, before any model is called. */
async function sense(
  dependencies: OrchestratorDependencies,
  state: OrchestratorState,
): Promise<Partial<OrchestratorState>> {
  const { run, question, conversation, recorded, chosen } = state
  if (recorded?.sensed && conversation) return senseAgain(dependencies, conversation, recorded.sensed)
  if (!chosen) return {}
  const gathered = conversation && (await gatherConversation(dependencies, conversation, question, run.signal))
  // Cut short, it is not what the next attempt should be held to; and nothing was paid for yet.
  const reason = run.signal.reason as StopReason | undefined
  if (reason === 'shutdown' || reason === 'superseded')
    throw new RunEnded(reason, 'the run was stopped before it called a model')
  const { requestId, attempt } = run
  assertAppended(
    'RouteRequest',
    await executeUntilKnown(dependencies, run, RouteRequest, {
      requestId,
      attempt,
      ...chosen,
      ...(gathered && { conversation: gathered.sensed }),
    }),
  )
  return gathered ? { turns: gathered.turns, degraded: gathered.sensed.reason === 'unavailable' } : {}
}

/** The same turns as in an earlier attempt: another prompt would have another answer than the one that clients have seen the beginning of. */
async function senseAgain(
  { earlierTurns }: OrchestratorDependencies,
  conversation: PromptInConversation,
  { requestIds, reason }: SensedConversation,
): Promise<Partial<OrchestratorState>> {
  const turns = requestIds.length === 0 ? [] : await earlierTurns.named(conversation, requestIds)
  if (turns) return { turns, degraded: reason === 'unavailable' }
  return {
    outcome: {
      kind: 'failed',
      code: 'interrupted',
      message: 'the worker died, and the earlier turns that it had shown to the model cannot be read again; ask again',
    },
  }
}

async function respond(
  dependencies: AgentDependencies,
  { run, answer, question, turns, outcome: ended }: OrchestratorState,
): Promise<Partial<OrchestratorState>> {
  if (ended) return {}
  for (let continuations = 0; ; continuations++) {
    const outcome = await callModel(dependencies, run, {
      phase: 'respond',
      member: 'council',
      messages: fastPathMessages(question, turns),
      answer,
    })
    const broken = outcome.kind === 'failed' && outcome.code === 'interrupted' && outcome.settlement
    if (!broken || continuations >= maxContinuations) return { outcome }
    answer.interrupt()
    run.logger.warn(
      { characters: answer.soFar().length },
      'the stream broke; continuing the answer after its last word',
    )
    await settleCall(dependencies, run, broken)
  }
}
