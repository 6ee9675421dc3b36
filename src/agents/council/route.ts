import type { Settlement } from '../../commands/budget/settlement.ts'
import { callModel } from '../model-call.ts'
import { throttledScopes } from '../budgets.ts'
import type { ChatMessage } from '../models/model.ts'
import { answerText } from '../worker/answer-text.ts'
import { stopIfAborted } from './member-calls.ts'
import { intents, triage, type Intent } from './triage/triage.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate, Route } from './state.ts'

/** The path of each intent. Source: seed story 22.1. */
const pathOf: Readonly<Record<Intent, Route['path']>> = {
  simple: 'fast',
  complex: 'full',
  exploratory: 'full',
  action: 'action',
}

/**
 * Phase `triage`: the user chooses the path, else rules and a classifier without a model call, else one model call. A throttled budget
 * closes the full path, also to a user who asked for it, and saves the model call.
 */
export async function route(dependencies: CouncilDependencies, state: CouncilState): Promise<CouncilUpdate> {
  if (state.progress.path !== null) return {}
  const throttledBy = await throttledScopes(dependencies, state.run.asker)
  const chosen = await chosenRoute(dependencies, state, throttledBy.length > 0)
  if (throttledBy.length === 0 || chosen.path === 'action') return { chosen }
  return { chosen: { ...chosen, path: 'fast', throttledBy } }
}

async function chosenRoute(
  dependencies: CouncilDependencies,
  state: CouncilState,
  isThrottled: boolean,
): Promise<Route> {
  const { requestedPath, question } = state
  const { intent, by, confidence } = triage(question)
  if (requestedPath !== null) return { path: requestedPath, intent, by: 'user', confidence: 1 }
  if (isThrottled || confidence >= dependencies.seating.routing.certainEnough)
    return { path: pathOf[intent], intent, by, confidence }
  const { said, settlement } = await askModel(dependencies, state)
  const paid = settlement && { settlement }
  return said
    ? { path: pathOf[said], intent: said, by: 'model', confidence: modelConfidence, ...paid }
    : { path: pathOf[intent], intent, by, confidence, ...paid }
}

const triageTokens = 8
/** A model reports no confidence in its choice. */
const modelConfidence = 0.75

/** The intent that the model chooses; null if the call fails: the classifier's choice then holds. */
async function askModel(
  dependencies: CouncilDependencies,
  { run, question }: CouncilState,
): Promise<{ said: Intent | null; settlement?: Settlement }> {
  const text = answerText('', () => undefined)
  const outcome = await callModel(dependencies, run, {
    phase: 'triage',
    member: 'council',
    model: dependencies.modelOf(),
    messages: triageMessages(question),
    maxTokens: triageTokens,
    temperature: 0,
    constraint: { choices: intents },
    text,
    limit: AbortSignal.timeout(dependencies.seating.timeLimits.triageMs),
  })
  await stopIfAborted(dependencies, run, outcome)
  const word = text.soFar().trim().toLowerCase()
  return {
    said: intents.find((intent) => word === intent) ?? null,
    ...(outcome.settlement && { settlement: outcome.settlement }),
  }
}

const triageMessages = (question: string): ChatMessage[] => [
  {
    role: 'system',
    content:
      'Classify the request in one word. simple: one fact, a definition, a short calculation, a rewrite. complex: several steps, a proof, a plan, trade-offs. exploratory: ideas, opinions, what-if. action: do something in the world or fetch live data.',
  },
  { role: 'user', content: question },
]
