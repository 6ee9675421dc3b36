import type { z } from 'zod'
import { SubmitPrompt } from '../../commands/chat/submit-prompt.ts'
import type { CommandGate } from '../../commands/gate/gate.ts'
import type { CommandResult } from '../../commands/gate/types.ts'
import type { Position, Principal, Uuid7 } from '../../events/identifiers.ts'
import type { Logger } from '../../platform/logger.ts'
import { newTraceparent } from '../../platform/trace.ts'
import { commandIdOf, type CommandIdDependencies, type CommandKey } from '../commands/command-key.ts'
import type { SubjectLimits } from '../limits.ts'

export type SubmitDependencies = CommandIdDependencies & {
  gate: Pick<CommandGate, 'execute'>
  limits: Pick<SubjectLimits, 'prompt' | 'inFlight'>
  logger: Logger
}

type Prompt = Omit<z.output<typeof SubmitPrompt.schema>, 'requestId'>

/** Why a prompt is not in the log. */
export type NotSubmitted =
  | { result: 'limited'; code: 'too_many_requests' | 'too_many_in_flight'; message: string }
  | Extract<CommandResult, { result: 'refused' | 'rejected' }>

/** A prompt that is in the log. `release` gives its place among the answers of its subject back. */
export type Submitted =
  { ok: true; requestId: Uuid7; first: Position; release: () => void } | { ok: false; why: NotSubmitted }

/**
 * Submits a prompt within the limits of its subject, under a key or a new id. The same prompt under the same key is submitted once, and
 * its answer comes from its first event on.
 */
export async function submitPrompt(
  dependencies: SubmitDependencies,
  principal: Principal,
  key: CommandKey | null,
  prompt: Prompt,
): Promise<Submitted> {
  const { gate, limits, newId, logger } = dependencies
  if (!(await limits.prompt(principal)))
    return limited('too_many_requests', 'too many prompts in a minute; wait and try again')
  const release = limits.inFlight(principal)
  if (!release) return limited('too_many_in_flight', 'too many answers are in progress; wait for one to end')
  let isSubmitted = false
  try {
    const known = await commandIdOf(dependencies, principal, key ?? { id: newId() })
    if (!known.ok) return { ok: false, why: known.rejection }
    const requestId = known.id
    logger.info({ requestId, subject: principal, characters: prompt.text.length }, 'prompt received')
    const result = await gate.execute(
      SubmitPrompt,
      { requestId, ...prompt },
      {
        commandId: requestId,
        ...(key && 'key' in key && { idempotencyKey: key.key }),
        principal,
        requestId,
        traceparent: newTraceparent(),
      },
    )
    if (result.result === 'refused' || result.result === 'rejected') return { ok: false, why: result }
    const first = result.events[0]?.position
    if (!first) throw new Error('a prompt was submitted without an event')
    isSubmitted = true
    return { ok: true, requestId, first, release }
  } finally {
    if (!isSubmitted) release()
  }
}

const limited = (code: 'too_many_requests' | 'too_many_in_flight', message: string): Submitted => ({
  ok: false,
  why: { result: 'limited', code, message },
})
