import { budgetStream } from '../../src/events/budget.ts'
import { CancelAnswer } from '../../src/commands/chat/cancel-answer.ts'
import { CancelPrompt } from '../../src/commands/chat/cancel-prompt.ts'
import { CompleteAnswer } from '../../src/commands/chat/complete-answer.ts'
import { DebitBudget } from '../../src/commands/budget/debit-budget.ts'
import { FailAnswer } from '../../src/commands/chat/fail-answer.ts'
import { ReserveBudget } from '../../src/commands/budget/reserve-budget.ts'
import { RouteRequest } from '../../src/commands/chat/route-request.ts'
import type { Settlement } from '../../src/commands/budget/settlement.ts'
import { StartAttempt } from '../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { newId, type TestCouncil } from './council.ts'

export const historyDay = '2026-11-23'

/** What may happen to a prompt. In any order: what makes no sense is refused by the commands, and leaves no event. */
export const steps = [
  'submit',
  'attempt',
  'route',
  'call',
  'settle',
  'settle_unknown',
  'release',
  'cancel',
  'complete',
  'fail',
  'stop',
] as const
export type Step = (typeof steps)[number]

/** A prompt of a test, and what is needed to go on with it. */
export type Told = { requestId: Uuid7; text: string; attempt: number; calls: number; openCall: string | undefined }

export const newPrompt = (text = 'Why is the sky blue?'): Told => ({
  requestId: newId(),
  text,
  attempt: 0,
  calls: 0,
  openCall: undefined,
})

/** Lets one thing happen to a prompt, through the gate, as a worker or a user would do it. */
export async function happen(council: TestCouncil, told: Told, step: Step): Promise<void> {
  const { requestId, attempt } = told
  const done = async (execution: ReturnType<TestCouncil['execute']>) => (await execution).result === 'appended'
  const settlement = (part: Partial<Settlement>): Settlement => ({
    callId: told.openCall ?? 'none',
    budget: budgetStream('council', historyDay),
    outcome: 'completed',
    usage: 'reported',
    promptTokens: 120,
    completionTokens: 34,
    priceRef: 'test-model@150/600',
    costMicros: 38,
    ...part,
  })
  const ending = () => ({
    requestId,
    attempt,
    text: `An answer to: ${told.text}`,
    firstTokenMs: 41,
    endedAtMs: Date.parse(`${historyDay}T12:00:00Z`),
    job: '1-1',
    ...(told.openCall && { settlement: settlement({}) }),
  })
  switch (step) {
    case 'submit':
      await council.execute(SubmitPrompt, { requestId, text: told.text })
      return
    case 'attempt':
      if (await done(council.execute(StartAttempt, { requestId, attempt: attempt + 1, worker: 'worker-1' })))
        told.attempt++
      return
    case 'route':
      await council.execute(RouteRequest, {
        requestId,
        attempt,
        path: 'fast',
        intent: 'question',
        by: 'rule',
        confidence: 1,
      })
      return
    case 'call': {
      if (told.openCall) return
      const callId = `${requestId}/${told.calls + 1}`
      const call = {
        scope: 'council' as const,
        day: historyDay,
        callId,
        requestId,
        attempt,
        phase: 'answer',
        member: 'fast',
        model: 'test-model',
        amountMicros: 900,
      }
      if (!(await done(council.execute(ReserveBudget, { ...call, expiresAt: `${historyDay}T13:00:00Z` })))) return
      told.calls++
      told.openCall = callId
      return
    }
    case 'settle':
    case 'settle_unknown':
    case 'release': {
      const part = {
        settle: {},
        settle_unknown: { usage: 'unknown', outcome: 'lost' },
        release: { outcome: 'released' },
      } as const
      if (await done(council.execute(DebitBudget, { requestId, attempt, settlement: settlement(part[step]) })))
        told.openCall = undefined
      return
    }
    case 'cancel':
      await council.execute(CancelPrompt, { requestId })
      return
    case 'complete':
      await council.execute(CompleteAnswer, { ...ending(), finishReason: 'stop', degraded: false })
      return
    case 'fail':
      await council.execute(FailAnswer, {
        ...ending(),
        code: 'model_timeout',
        message: 'The model was silent for too long.',
      })
      return
    case 'stop':
      await council.execute(CancelAnswer, ending())
      return
    default:
      step satisfies never
  }
}

/** A prompt that was answered in one attempt with one call: nine events. */
export async function answeredPrompt(council: TestCouncil, text?: string): Promise<Told> {
  const told = newPrompt(text)
  for (const step of ['submit', 'attempt', 'route', 'call', 'complete'] as const) await happen(council, told, step)
  return told
}
