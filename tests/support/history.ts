import { budgetStream, type BudgetStream } from '../../src/events/budget.ts'
import { CancelAnswer } from '../../src/commands/chat/cancel-answer.ts'
import { CancelPrompt } from '../../src/commands/chat/cancel-prompt.ts'
import { CompleteAnswer } from '../../src/commands/chat/complete-answer.ts'
import { DebitBudget } from '../../src/commands/budget/debit-budget.ts'
import { FailAnswer } from '../../src/commands/chat/fail-answer.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import { ReserveBudget } from '../../src/commands/budget/reserve-budget.ts'
import { RouteRequest } from '../../src/commands/chat/route-request.ts'
import type { Settlement } from '../../src/commands/budget/settlement.ts'
import { StartAttempt } from '../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import { chatStream } from '../../src/events/chat.ts'
import { Principal, type Uuid7 } from '../../src/events/identifiers.ts'
import { reservationFor, today } from './budget-calls.ts'
import { newId, type TestCouncil } from './council.ts'

/** The steps of a prompt, valid in any order: commands refuse an invalid step, which leaves no event. */
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

/** A test prompt and the fields that its next step needs. */
export type PromptRun = {
  requestId: Uuid7
  text: string
  attempt: number
  calls: number
  openCall: string | undefined
  /** The budget of the newest call. */
  budget: BudgetStream
}

export const newPrompt = (text = 'Why is the sky blue?'): PromptRun => ({
  requestId: newId(),
  text,
  attempt: 0,
  calls: 0,
  openCall: undefined,
  budget: budgetStream('council', today()),
})

const principal = Principal.parse('tester')

/** Executes one step of a prompt through the gate, as a worker or a user does. */
export async function applyStep(council: TestCouncil, prompt: PromptRun, step: Step): Promise<void> {
  const { requestId, attempt } = prompt
  const execute = <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, input: NoInfer<C>) =>
    council.gate.execute(definition, input, { commandId: newId(), principal, requestId })
  const done = async (execution: ReturnType<TestCouncil['execute']>) => (await execution).result === 'appended'
  const settlement = (part: Partial<Settlement>): Settlement => ({
    callId: prompt.openCall ?? 'none',
    budgets: [prompt.budget],
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
    text: `An answer to: ${prompt.text}`,
    firstTokenMs: 41,
    endedAtMs: Date.parse('2026-11-23T12:00:00Z'),
    job: '1-1',
    ...(prompt.openCall && { settlement: settlement({}) }),
  })
  switch (step) {
    case 'submit':
      await execute(SubmitPrompt, { requestId, text: prompt.text })
      return
    case 'attempt':
      if (await done(execute(StartAttempt, { requestId, attempt: attempt + 1, worker: 'worker-1' }))) prompt.attempt++
      return
    case 'route':
      await execute(RouteRequest, { requestId, attempt, path: 'fast', intent: 'question', by: 'rule', confidence: 1 })
      return
    case 'call': {
      if (prompt.openCall) return
      const callId = `${requestId}.${prompt.calls + 1}`
      const calls = [{ callId, phase: 'answer', member: 'fast', model: 'test-model', amountMicros: 900 }]
      const reservation = reservationFor(requestId, { attempt, calls })
      if (!(await done(execute(ReserveBudget, reservation)))) return
      prompt.budget = budgetStream('council', reservation.scopes[0]?.day ?? '')
      prompt.calls++
      prompt.openCall = callId
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
      if (
        await done(execute(DebitBudget, { work: chatStream(requestId), attempt, settlement: settlement(part[step]) }))
      )
        prompt.openCall = undefined
      return
    }
    case 'cancel':
      await execute(CancelPrompt, { requestId })
      return
    case 'complete':
      await execute(CompleteAnswer, { ...ending(), finishReason: 'stop', reasons: [] })
      return
    case 'fail':
      await execute(FailAnswer, { ...ending(), code: 'model_timeout', message: 'The model was silent for too long.' })
      return
    case 'stop':
      await execute(CancelAnswer, ending())
      return
    default:
      step satisfies never
  }
}

/**
 * The events of an answered prompt: six of the chat, a reservation and a debit of the council's budget, and a debit and a credit of the
 * accounts that pay.
 */
export const eventsPerPrompt = 10
/** The events that open what the first call of a log charges and pays: the day's budget, `overrun`, and `spend`. */
const openingEvents = 3
/** The events of a log that has only answered prompts of one day, and no money in its reserve. */
export const eventsOfPrompts = (prompts: number): number => openingEvents + prompts * eventsPerPrompt

/** A prompt that was answered in one attempt with one call. */
export async function answeredPrompt(council: TestCouncil, text?: string): Promise<PromptRun> {
  const prompt = newPrompt(text)
  for (const step of ['submit', 'attempt', 'route', 'call', 'complete'] as const) await applyStep(council, prompt, step)
  return prompt
}
