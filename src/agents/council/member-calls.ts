import { maxModelMessageCharacters, type AnswerFailureCode } from '../../events/chat.ts'
import type { Settlement } from '../../commands/budget/settlement.ts'
import { settleCall, streamCall, reserveCalls, type CallOutcome, type CallRequest } from '../model-call.ts'
import { answerText, type AnswerText } from '../worker/answer-text.ts'
import type { OutputConstraint, ChatMessage } from '../models/model.ts'
import type { Run, StopReason } from '../run.ts'
import type { Member } from './seating.ts'
import type { CouncilDependencies } from './state.ts'

/** What one member is asked in a phase. */
export type MemberTask = {
  member: Member
  messages: readonly ChatMessage[]
  maxTokens: number
  temperature: number
  constraint?: OutputConstraint
  onText?: (piece: string) => void
}

/** What a member's call has produced. `settlement` is absent if nothing was reserved. */
export type MemberResult = { member: Member; text: string; settlement?: Settlement } & (
  | { ended: 'complete' | 'cut_off' | 'late' | 'empty' }
  | { ended: 'model_failed' | 'over_budget'; code: AnswerFailureCode; message: string }
)

/**
 * Asks several members at the same time, within one limit of time. Each result goes to `record` as soon as it is there, so that a slow member
 * delays no record of a fast one. Throws RunStopped when the run is stopped; the calls are then settled.
 */
export async function askMembers(
  dependencies: CouncilDependencies,
  run: Run,
  { phase, limit, tasks }: { phase: string; limit: AbortSignal; tasks: readonly MemberTask[] },
  record: (result: MemberResult) => Promise<void>,
): Promise<void> {
  const requests = tasks.map(({ member, messages, maxTokens, temperature, constraint, onText }): CallRequest => ({
    phase,
    member: member.id,
    model: dependencies.modelOf(member.model),
    messages,
    maxTokens,
    temperature,
    ...(constraint && { constraint }),
    text: answerText('', onText ?? (() => undefined)),
    limit,
  }))
  const calls = await reserveCalls(dependencies, run, requests)
  const ended = await Promise.allSettled(
    tasks.map(async ({ member }, index) => {
      const call = calls[index]
      const request = requests[index]
      if (!call || !request) throw new Error('a task without a call')
      const outcome = 'kind' in call ? call : await streamCall(run, call)
      await stopIfAborted(dependencies, run, outcome)
      await record(resultOf(member, request.text, outcome))
    }),
  )
  // Thrown after all calls have ended and are settled: a prompt cannot end while a call is open.
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}

/** What a model that failed said, for an event: it may be empty or too long, and cutting it may leave half a character. */
export function modelMessage(said: string): { message?: string } {
  const message = said.slice(0, maxModelMessageCharacters).toWellFormed()
  return message === '' ? {} : { message }
}

/** Ends the run in the middle of a phase. The calls of the phase are settled. */
export class RunStopped extends Error {
  readonly reason: StopReason
  constructor(reason: StopReason) {
    super(`the run was stopped: ${reason}`)
    this.reason = reason
  }
}

/** Throws RunStopped if the run was stopped, after it has settled the call. */
export async function stopIfAborted(
  dependencies: CouncilDependencies,
  run: Run,
  { settlement }: CallOutcome,
): Promise<void> {
  if (!run.signal.aborted) return
  const reason = run.signal.reason as StopReason
  // A superseded attempt may record nothing; the newer attempt settles its calls.
  if (settlement && reason !== 'superseded') await settleCall(dependencies, run, settlement)
  throw new RunStopped(reason)
}

function resultOf(member: Member, written: AnswerText, outcome: CallOutcome): MemberResult {
  const common = { member, text: written.soFar(), ...(outcome.settlement && { settlement: outcome.settlement }) }
  switch (outcome.kind) {
    case 'completed':
      return { ...common, ended: outcome.finishReason === 'stop' ? 'complete' : 'cut_off' }
    case 'stopped':
      return { ...common, ended: 'late' }
    case 'failed':
      if (outcome.code === 'empty_answer') return { ...common, ended: 'empty' }
      return {
        ...common,
        ended: outcome.code === 'budget_exceeded' ? 'over_budget' : 'model_failed',
        code: outcome.code,
        message: outcome.message,
      }
    default:
      return outcome satisfies never
  }
}
