import { END, INTERRUPT, START, StateGraph, isInterrupted } from '@langchain/langgraph'
import type { DegradedReason } from '../../events/chat.ts'
import type { CallOutcome } from '../model-call.ts'
import { awaitPerson, isOver, waitsFor, type PauseRequest } from './await-person.ts'
import { critique } from './critique.ts'
import { draft } from './draft.ts'
import { RunStopped } from './member-calls.ts'
import { declineAction, respond } from './respond.ts'
import { logCheckpointer } from './log-checkpointer.ts'
import { route } from './route.ts'
import { sense } from './sense.ts'
import { CouncilState, type CouncilDependencies } from './state.ts'
import { synthesize } from './synthesize.ts'
import { vote } from './vote.ts'

type Asked = Pick<CouncilState, 'run' | 'answer' | 'question' | 'requestedPath' | 'conversation' | 'progress'>

/** The outcome of a run, why the answer is degraded, and what the prompt must wait for; null: it ends now. */
export type Deliberated = { outcome: CallOutcome; reasons: readonly DegradedReason[]; pause: PauseRequest | null }

export type Orchestrator = (asked: Asked) => Promise<Deliberated>

/**
 * `UserFacingOrchestrator`: how the council arrives at an answer. LangGraph provides the control flow. All durable state is in
 * events, so another worker resumes an interrupted run at the first missing step.
 * Source: seed stories 6.1, 6.2 and 22.2.
 */
export function createOrchestrator(dependencies: CouncilDependencies): Orchestrator {
  // The graph does not get the run's signal: that would end it before the cost of the calls is known.
  const graph = councilGraph(dependencies)
  return async (asked) => {
    try {
      const ended = await graph.invoke(
        { ...asked, chosen: null, turns: [], reasons: [], outcome: null },
        { configurable: { thread_id: asked.run.requestId }, durability: 'exit' },
      )
      const { outcome, reasons } = ended
      if (!outcome) throw new Error('the orchestrator ended without an outcome')
      return {
        outcome,
        reasons,
        pause: isInterrupted<PauseRequest>(ended) ? (ended[INTERRUPT][0]?.value ?? null) : null,
      }
    } catch (error) {
      if (error instanceof RunStopped)
        return { outcome: { kind: 'stopped', reason: error.reason }, reasons: [], pause: null }
      throw error
    }
  }
}

/** Compiles the graph, once a process. Its state is never stored: the log is what a run resumes from. */
export function councilGraph(dependencies: CouncilDependencies) {
  const { seating } = dependencies
  return new StateGraph(CouncilState)
    .addNode('triage', (state) => route(dependencies, state))
    .addNode('sense', (state) => sense(dependencies, state))
    .addNode('respond', (state) => respond(dependencies, state))
    .addNode('decline', declineAction)
    .addNode('draft', (state) => draft(dependencies, state))
    .addNode('critique', (state) => critique(dependencies, state))
    .addNode('vote', (state) => vote(dependencies, state))
    .addNode('synthesize', (state) => synthesize(dependencies, state))
    .addNode('await_person', awaitPerson)
    .addEdge(START, 'triage')
    .addEdge('triage', 'sense')
    .addConditionalEdges('sense', afterSense, {
      fast: 'respond',
      full: 'draft',
      action: 'decline',
      decided: 'await_person',
      ended: END,
    })
    .addConditionalEdges('draft', ({ progress }) => afterDraft(progress.drafts.length, seating), {
      tooFew: 'respond',
      critique: 'critique',
      vote: 'vote',
    })
    .addEdge('critique', 'vote')
    .addEdge('vote', 'synthesize')
    .addConditionalEdges('synthesize', afterAnswer, answered)
    .addConditionalEdges('respond', afterAnswer, answered)
    .addConditionalEdges('decline', afterAnswer, answered)
    .addEdge('await_person', END)
    .compile({ name: 'UserFacingOrchestrator', checkpointer: logCheckpointer() })
}

const afterSense = ({ outcome, progress }: CouncilState): 'fast' | 'full' | 'action' | 'decided' | 'ended' =>
  outcome ? 'ended' : isOver(progress) ? 'decided' : (progress.path ?? 'fast')

/** An answer that waits for no person ends the run at once: each phase more costs a millisecond. */
const afterAnswer = (state: CouncilState): keyof typeof answered => (waitsFor(state) ? 'wait' : 'end')
const answered = { wait: 'await_person', end: END } as const

const afterDraft = (
  drafts: number,
  { quorum, critique: isCritical }: CouncilDependencies['seating'],
): 'tooFew' | 'critique' | 'vote' => (drafts < quorum ? 'tooFew' : isCritical ? 'critique' : 'vote')
