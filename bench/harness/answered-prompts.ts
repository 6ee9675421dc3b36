import { ReserveBudget } from '../../src/commands/budget/reserve-budget.ts'
import { CompleteAnswer } from '../../src/commands/chat/complete-answer.ts'
import { RouteRequest } from '../../src/commands/chat/route-request.ts'
import { StartAttempt } from '../../src/commands/chat/start-attempt.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import { budgetStream } from '../../src/events/budget.ts'
import { chatStream } from '../../src/events/chat.ts'
import { dayOf } from '../../src/events/day.ts'
import type { Uuid7 } from '../../src/events/identifiers.ts'
import { councilScope } from '../../src/events/policy.ts'
import { fullContext, newId, type BenchCouncil } from './bench-council.ts'

/** Fills a log with prompts that one call each has answered, side by side. Resolves with their ids. */
export const answerPrompts = ({ gate }: BenchCouncil, prompts: number): Promise<Uuid7[]> =>
  Promise.all(
    Array.from({ length: prompts }, async () => {
      const requestId = newId()
      const run = async <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>, input: NoInfer<C>) => {
        const result = await gate.execute(definition, input, { ...fullContext(newId()), requestId })
        if (result.result !== 'appended') throw new Error(`${definition.name}: ${JSON.stringify(result)}`)
      }
      const [attempt, callId, day] = [1, newId(), dayOf(new Date().toISOString())]
      await run(SubmitPrompt, { requestId, text: 'Why is the sky blue?' })
      await run(StartAttempt, { requestId, attempt, worker: 'worker' })
      await run(RouteRequest, { requestId, attempt, path: 'fast', intent: 'question', by: 'rule', confidence: 1 })
      await run(ReserveBudget, {
        scopes: [{ scope: councilScope, day }],
        work: chatStream(requestId),
        attempt,
        calls: [{ callId, phase: 'respond', member: 'council', model: 'bench', amountMicros: 9 }],
        expiresAt: new Date(Date.now() + 900_000).toISOString(),
      })
      await run(CompleteAnswer, {
        requestId,
        attempt,
        text: 'The air scatters blue light the most.',
        firstTokenMs: 40,
        endedAtMs: Date.now(),
        job: '1-1',
        finishReason: 'stop',
        reasons: [],
        settlement: {
          callId,
          budgets: [budgetStream(councilScope, day)],
          outcome: 'completed',
          usage: 'reported',
          promptTokens: 20,
          completionTokens: 8,
          priceRef: 'bench@100/100',
          costMicros: 3,
        },
      })
      return requestId
    }),
  )
