import { SubmitPrompt } from '../../commands/chat/submit-prompt.ts'
import type { AnswerPath } from '../../events/chat.ts'
import type { Position, Principal, Uuid7 } from '../../events/identifiers.ts'
import { newTraceparent } from '../../platform/trace.ts'
import type { z } from 'zod'
import type { ChatDependencies } from '../chat/chat-socket.ts'
import { commandIdOf, type CommandKey } from '../commands/command-key.ts'
import type { Problem } from '../problem.ts'
import { rejectionProblem } from '../rejection.ts'
import type { Asked } from './messages.ts'

/** A prompt that is in the log. `release` gives its place among the answers of its subject back. */
export type Submitted =
  { ok: true; requestId: Uuid7; first: Position; release: () => void } | { ok: false; problem: Problem }

/**
 * Submits a question as a prompt, within the limits of its subject. The same question under the same key is the same
 * prompt, and its answer comes from its first event on.
 */
export async function submitPrompt(
  dependencies: ChatDependencies,
  principal: Principal,
  key: CommandKey | null,
  { question, context, path }: Asked & { path: z.infer<typeof AnswerPath> | null },
): Promise<Submitted> {
  const { gate, limits, newId, logger } = dependencies
  if (!(await limits.prompt(principal)))
    return tooMany('too_many_requests', 'too many prompts in a minute; wait and try again')
  const release = limits.inFlight(principal)
  if (!release) return tooMany('too_many_in_flight', 'too many answers are in progress; wait for one to end')
  let isSubmitted = false
  try {
    const known = key ? await commandIdOf(dependencies, principal, key) : ({ ok: true, id: newId() } as const)
    if (!known.ok) return { ok: false, problem: rejectionProblem(known.rejection) }
    const requestId = known.id
    logger.info({ requestId, subject: principal, characters: question.length }, 'prompt received over OpenAI API')
    const result = await gate.execute(
      SubmitPrompt,
      { requestId, text: question, ...(path && { path }), ...(context && { context }) },
      {
        commandId: requestId,
        ...(key && 'key' in key && { idempotencyKey: key.key }),
        principal,
        requestId,
        traceparent: newTraceparent(),
      },
    )
    if (result.result === 'rejected') return { ok: false, problem: rejectionProblem(result) }
    if (result.result === 'refused')
      return { ok: false, problem: { status: 409, code: result.code, detail: result.code.replaceAll('_', ' ') } }
    const first = result.events[0]?.position
    if (!first) throw new Error('a prompt was submitted without an event')
    isSubmitted = true
    return { ok: true, requestId, first, release }
  } finally {
    if (!isSubmitted) release()
  }
}

const tooMany = (code: string, detail: string): Submitted => ({
  ok: false,
  problem: { status: 429, code, detail, retryAfterSeconds: 1 },
})
