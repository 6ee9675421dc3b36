import { callModel, settleCall, type CallOutcome, type CallRequest } from '../model-call.ts'
import type { Run } from '../run.ts'
import { personaIn } from './conversation.ts'
import { conversationMessages } from './prompts.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate } from './state.ts'

/** Greedy decoding: the fast path does not vary its answers, and the same question gets the same answer. */
const temperature = 0
/** How much of its usual length an answer may have while a budget is throttled. */
const throttledShare = 0.5
/** How often a broken stream is continued before the answer fails. */
const maxContinuations = 1

/** Phase `respond` of the fast path: one model answers. */
export async function respond(
  dependencies: CouncilDependencies,
  { run, answer, question, conversation, turns, progress }: CouncilState,
): Promise<CouncilUpdate> {
  const { seating, modelOf, answerMaxTokens } = dependencies
  const outcome = await writeAnswer(dependencies, run, {
    phase: 'respond',
    member: 'council',
    model: modelOf(),
    messages: conversationMessages(personaIn(conversation, seating.fastPath.persona), question, turns),
    maxTokens: progress.isThrottled ? Math.ceil(answerMaxTokens * throttledShare) : answerMaxTokens,
    temperature,
    text: answer,
  })
  // Also for a worker that takes over: the route is on record.
  return { outcome, ...(progress.isThrottled && { reasons: ['throttled' as const] }) }
}

/** Calls a model for the answer itself, and continues a broken stream: text that clients have seen is never withdrawn. */
export async function writeAnswer(
  dependencies: CouncilDependencies,
  run: Run,
  request: CallRequest,
): Promise<CallOutcome> {
  for (let continuations = 0; ; continuations++) {
    const outcome = await callModel(dependencies, run, request)
    const broken = outcome.kind === 'failed' && outcome.code === 'interrupted' && outcome.settlement
    if (!broken || continuations >= maxContinuations) return outcome
    request.text.interrupt()
    run.logger.warn({ characters: request.text.soFar().length }, 'the stream broke; continuing the answer')
    await settleCall(dependencies, run, broken)
  }
}

/** The answer to a request for an action, which no agent may carry out yet. It costs nothing. */
export function declineAction({ answer }: CouncilState): CouncilUpdate {
  if (answer.soFar() === '')
    answer.add('You asked the council to act, but no agent is authorised to act yet. Nothing was done.')
  answer.finish()
  return { outcome: { kind: 'completed', finishReason: 'stop', degraded: false } }
}
