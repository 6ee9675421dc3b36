import { chat } from '../../commands/aggregates/chat.ts'
import { RouteRequest } from '../../commands/chat/route-request.ts'
import { chatStream, type SensedConversation } from '../../events/chat.ts'
import { assertAppended, executeUntilKnown, RunEnded, runEndedCodes } from '../run.ts'
import { gatherConversation, newest, personaIn, type AskedConversation, type SharedWindow } from './conversation.ts'
import type { CouncilDependencies, CouncilState, CouncilUpdate, Route } from './state.ts'

/** Phase `sense`: gathers the earlier turns, and records them with the route in one append, before any member is called. */
export async function sense(dependencies: CouncilDependencies, prompted: CouncilState): Promise<CouncilUpdate> {
  const { run, answer, question, conversation, progress, chosen } = prompted
  if (progress.sensed && conversation) return senseAgain(dependencies, conversation, progress.sensed)
  if (!chosen) return {}
  const { seating, earlierTurns } = dependencies
  const gathered =
    conversation &&
    (await gatherConversation(
      { ...(await smallestWindow(dependencies, chosen.path, conversation)), earlierTurns },
      conversation,
      question,
      run.signal,
    ))
  // An interrupted selection must not bind the next attempt, and nothing has been paid for yet.
  const ended = runEndedCodes.find((code) => code === run.signal.reason)
  if (ended) throw new RunEnded(ended, 'the run was stopped before it called a model')
  const { requestId, attempt } = run
  const routed = assertAppended(
    'RouteRequest',
    await executeUntilKnown(dependencies, run, RouteRequest, {
      requestId,
      attempt,
      ...chosen,
      seating: seating.hash,
      ...(gathered && { conversation: gathered.sensed }),
    }),
  )
  // The append decided, by the mode that it found.
  const { state } = await dependencies.gate.loadAfter(routed, chat, chatStream(requestId))
  const isHeld = state.status === 'open' && state.isHeld
  if (isHeld) answer.withhold()
  return {
    progress: {
      ...progress,
      isHeld,
      path: chosen.path,
      isThrottled: chosen.throttledBy !== undefined,
      sensed: gathered?.sensed ?? null,
    },
    turns: gathered?.turns ?? [],
    ...(gathered?.sensed.reason === 'unavailable' && { reasons: ['context_unavailable' as const] }),
  }
}

/** The turns must fit into the window of each model that is shown them: the one with the least room decides. */
async function smallestWindow(
  { seating, modelOf, answerMaxTokens }: CouncilDependencies,
  path: Route['path'],
  conversation: AskedConversation,
): Promise<SharedWindow> {
  const persona = personaIn(conversation, seating.fastPath.persona)
  const fast: SharedWindow = { model: modelOf(), persona, answerMaxTokens }
  if (path !== 'full') return fast
  const windows = await Promise.all(
    [...seating.members, seating.chair].map(async ({ model, persona: own, maxTokens }) => {
      const shared = { model: modelOf(model), persona: personaIn(conversation, own), answerMaxTokens: maxTokens }
      const contextTokens = await shared.model.info().then(
        (info) => info.contextTokens,
        () => Infinity,
      )
      return { shared, room: contextTokens - maxTokens }
    }),
  )
  return windows.toSorted((a, b) => a.room - b.room)[0]?.shared ?? fast
}

/** Reads the turns that an earlier attempt used: a different prompt would contradict the text that clients have already seen. */
async function senseAgain(
  { earlierTurns }: CouncilDependencies,
  conversation: AskedConversation,
  { requestIds, given, reason }: SensedConversation,
): Promise<CouncilUpdate> {
  if ('given' in conversation) return { turns: newest(conversation.given.turns, given ?? 0) }
  const turns = requestIds.length === 0 ? [] : await earlierTurns.named(conversation, requestIds)
  if (turns) return { turns, ...(reason === 'unavailable' && { reasons: ['context_unavailable' as const] }) }
  return {
    outcome: {
      kind: 'failed',
      code: 'interrupted',
      message: 'the worker died, and the earlier turns that its model saw cannot be read again; ask again',
    },
  }
}
