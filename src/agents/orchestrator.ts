import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
import { RouteRequest } from '../commands/route-request.ts'
import { callModel, settleCall, type CallOutcome } from './model-call.ts'
import { fastPathMessages } from './prompts.ts'
import { executeFor, mustBeDone, type AgentDependencies, type Run } from './run.ts'

/**
 * `UserFacingOrchestrator`: how the council comes to an answer. LangGraph gives the control flow; whatever must
 * last is in events, so a run that is cut off anywhere is taken up by another worker from the log.
 * Source: seed stories 6.1, 6.2 and 22.2 (fast path: sense, respond).
 */
const OrchestratorState = Annotation.Root({
  /** Who it is for: the request id travels here from the WebSocket handler to the model's server (seed story 7.1). */
  run: Annotation<Run>,
  /** Where the words go as they come. */
  onText: Annotation<(text: string) => void>,
  question: Annotation<string>,
  /** Null until it is recorded. */
  path: Annotation<'fast' | null>,
  /** The answer's text as far as clients may have seen it. */
  answer: Annotation<string>,
  outcome: Annotation<CallOutcome | null>,
})
export type OrchestratorState = typeof OrchestratorState.State

/** A stream that broke is continued behind its last word this often before the answer fails. */
const maxContinuations = 1

export type Orchestrator = (state: Omit<OrchestratorState, 'outcome'>) => Promise<{ answer: string; outcome: CallOutcome }>

/** Compiled once for a process. Without a checkpointer: nothing of the state is ever stored. */
export function createOrchestrator(dependencies: AgentDependencies): Orchestrator {
  const graph = new StateGraph(OrchestratorState)
    .addNode('route', (state) => route(dependencies, state))
    .addNode('sense', () => ({}))
    .addNode('respond', (state) => respond(dependencies, state))
    .addEdge(START, 'route')
    .addEdge('route', 'sense')
    .addEdge('sense', 'respond')
    .addEdge('respond', END)
    .compile({ name: 'UserFacingOrchestrator' })

  return async (state) => {
    // The run's signal is not given to the graph: it would end the graph before the call's cost is known.
    const { answer, outcome } = await graph.invoke({ ...state, outcome: null })
    if (!outcome) throw new Error('the orchestrator ended without an outcome')
    return { answer, outcome }
  }
}

/** Which path the answer takes. The fast path is the only one yet, so the rule is short. */
async function route(dependencies: AgentDependencies, { run, path }: OrchestratorState): Promise<Partial<OrchestratorState>> {
  if (path) return {}
  const { requestId, attempt } = run
  mustBeDone('RouteRequest', await executeFor(dependencies, run, RouteRequest, { requestId, attempt, path: 'fast', intent: 'question', by: 'rule', confidence: 1 }))
  return { path: 'fast' }
}

async function respond(dependencies: AgentDependencies, { run, onText, ...state }: OrchestratorState): Promise<Partial<OrchestratorState>> {
  let answer = state.answer
  for (let continuations = 0; ; continuations++) {
    const outcome = await callModel(dependencies, run, { phase: 'respond', member: 'council', messages: fastPathMessages(state.question), continueFrom: answer, onText })
    answer += outcome.text
    const broken = outcome.kind === 'failed' && outcome.code === 'interrupted' && outcome.settlement
    if (!broken || continuations >= maxContinuations) return { answer, outcome }
    run.logger.warn({ characters: answer.length }, 'the stream broke; continuing the answer behind its last word')
    await settleCall(dependencies, run, broken)
  }
}
