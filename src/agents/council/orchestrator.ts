import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
import { RouteRequest } from '../../commands/chat/route-request.ts'
import type { SensedConversation } from '../../events/chat.ts'
import type { EarlierTurn, EarlierTurns, PromptInConversation } from '../../projections/chats.ts'
import { gatherConversation } from './conversation.ts'
import type { AnswerText } from '../worker/answer-text.ts'
import { callModel, settleCall, type CallOutcome } from '../model-call.ts'
import { fastPathMessages } from './prompts.ts'
import { executeUntilKnown, assertAppended, RunEnded, type AgentDependencies, type Run, runEndedCodes } from '../run.ts'

/**
 * `UserFacingOrchestrator`: how the council arrives at an answer. LangGraph provides the control flow. All durable state is in
 * events, so another worker can resume an interrupted run from the log.
 * Source: seed stories 6.1, 6.2 and 22.2 (fast path: sense, respond).
 */
const OrchestratorState = Annotation.Root({
  /** Carries the request id from the WebSocket handler to the model server (seed story 7.1). */
  run: Annotation<Run>,
  /** The answer so far; new text is added to it. */
  answer: Annotation<AnswerText>,
  question: Annotation<string>,
  /** Null for a prompt without a conversation. */
  conversation: Annotation<PromptInConversation | null>,
  /** The route and turns that an earlier attempt recorded. */
  recorded: Annotation<{ path: 'fast'; sensed: SensedConversation | null } | null>,
  /** Null if an earlier attempt recorded the route. */
  chosen: Annotation<Route | null>,
  /** The earlier turns that the model sees, oldest first. */
  turns: Annotation<readonly EarlierTurn[]>,
  /** The answer lacks input that it should have had. */
  degraded: Annotation<boolean>,
  outcome: Annotation<CallOutcome | null>,
})
export type OrchestratorState = typeof OrchestratorState.State

/** How often a broken stream is continued before the answer fails. */
const maxContinuations = 1

type Route = { path: 'fast'; intent: string; by: 'rule'; confidence: number }
type OrchestratorInput = Pick<OrchestratorState, 'run' | 'answer' | 'question' | 'conversation' | 'recorded'>

export type Orchestrator = (input: OrchestratorInput) => Promise<CallOutcome>

export type OrchestratorDependencies = AgentDependencies & { earlierTurns: EarlierTurns }

/** Compiles the graph, once a process. It has no checkpointer: the state is never stored. */
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
    // The graph does not get the run's signal: that would end it before the cost of the call is known.
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

/** Chooses the path of the answer. So far there is only the fast path. */
const route = ({ recorded }: OrchestratorState): Partial<OrchestratorState> =>
  recorded ? {} : { chosen: { path: 'fast', intent: 'question', by: 'rule', confidence: 1 } }

/** Gathers the earlier turns, and records them with the route in one append before any model is called. */
async function sense(
  dependencies: OrchestratorDependencies,
  state: OrchestratorState,
): Promise<Partial<OrchestratorState>> {
  const { run, question, conversation, recorded, chosen } = state
  if (recorded?.sensed && conversation) return senseAgain(dependencies, conversation, recorded.sensed)
  if (!chosen) return {}
  const gathered = conversation && (await gatherConversation(dependencies, conversation, question, run.signal))
  // An interrupted selection must not bind the next attempt, and nothing has been paid for yet.
  const ended = runEndedCodes.find((code) => code === run.signal.reason)
  if (ended) throw new RunEnded(ended, 'the run was stopped before it called a model')
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

/** Reads the turns that an earlier attempt used: a different prompt would contradict the text that clients have already seen. */
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
      message: 'the worker died, and the earlier turns that its model saw cannot be read again; ask again',
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
    run.logger.warn({ characters: answer.soFar().length }, 'the stream broke; continuing the answer')
    await settleCall(dependencies, run, broken)
  }
}
