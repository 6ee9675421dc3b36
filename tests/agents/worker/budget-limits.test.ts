import { describe, expect, test } from 'vitest'
import { answerPrompt } from '../../../src/agents/worker/answer.ts'
import { defaultTerms } from '../../../src/commands/aggregates/policy.ts'
import { SetBudgetPolicy } from '../../../src/commands/budget/set-budget-policy.ts'
import { budget } from '../../../src/commands/aggregates/budget.ts'
import { DebitBudget } from '../../../src/commands/budget/debit-budget.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { lostCall } from '../../../src/agents/model-call.ts'
import { FreezeTreasury } from '../../../src/commands/treasury/freeze-treasury.ts'
import { budgetStream } from '../../../src/events/budget.ts'
import { chatStream } from '../../../src/events/chat.ts'
import { PolicyScope, type BudgetTerms } from '../../../src/events/policy.ts'
import { reservationFor, today } from '../../support/budget-calls.ts'
import { newId } from '../../support/council.ts'
import { memoryPrompt } from '../../support/memory-attempt.ts'
import { end, scriptedModel, text, usage } from '../../support/scripted-model.ts'

/** A prompt whose asker is bounded by these terms, and its answer, which costs 22 µ$ of at most 126. */
async function asked(terms: Partial<BudgetTerms>, { scope = 'user:anna', path = null as 'full' | null } = {}) {
  const model = scriptedModel([usage(20, 2), text('Paris.'), end()], [usage(20, 2), text('Paris.'), end()])
  const prompt = await memoryPrompt({ model })
  await prompt.execute(SetBudgetPolicy, { scope: PolicyScope.parse(scope), ...defaultTerms, ...terms })
  const answer = async () => {
    const { attempt } = await prompt.nextAttempt()
    return answerPrompt(prompt.dependencies, { ...attempt, requestedPath: path })
  }
  return { ...prompt, model, answer }
}

describe('the budget of a user', () => {
  test('pays next to the council, the same amount under the same call id', async () => {
    const { answer, events } = await asked({})
    await answer()
    const debits = await events(/^BudgetDebited$/)
    expect(debits.map(({ stream, data }) => [stream.replace(/\/[^/]+$/, ''), data])).toEqual([
      ['budget/council', debits[0]?.data],
      ['budget/user:anna', debits[0]?.data],
    ])
    expect(debits[0]?.data).toMatchObject({ actualMicros: 22 })
  })

  test('that is used up ends the prompt with the time at which it reopens', async () => {
    const { answer, ending, model } = await asked({ dailyMicros: 10 })
    await answer()
    expect(await ending()).toMatchObject({
      type: 'AnswerFailed',
      data: {
        code: 'budget_exceeded',
        message: expect.stringMatching(/user:anna.*begins at \d{4}-\d\d-\d\dT00:00:00.000Z/) as unknown,
        costMicros: 0,
      },
    })
    expect(model.calls).toHaveLength(0)
  })

  test('of another user bounds nothing', async () => {
    const { answer, ending } = await asked({ dailyMicros: 0 }, { scope: 'user:bob' })
    await answer()
    expect(await ending()).toMatchObject({ type: 'AnswerCompleted' })
  })
})

describe('a throttled budget', () => {
  /** The council has spent 500 µ$ on this prompt, which is the soft limit, and the prompt is still to be answered. */
  async function throttled(onExceed: BudgetTerms['onExceed'] = 'throttle') {
    const terms = { dailyMicros: 50_000, softPercent: 1, onExceed }
    const prompt = await asked(terms, { scope: 'council', path: 'full' })
    const { attempt } = await prompt.nextAttempt()
    const callId = newId()
    await prompt.execute(ReserveBudget, reservationFor(prompt.requestId, { callId, amountMicros: 500 }))
    const { state } = await prompt.dependencies.gate.load(budget, budgetStream('council', today()))
    await prompt.execute(DebitBudget, {
      work: chatStream(prompt.requestId),
      attempt: 1,
      settlement: lostCall(callId, [budgetStream('council', today())], prompt.dependencies.prices.of('scripted', 0)),
    })
    expect(state.reservations).toEqual({ [callId]: 500 })
    await answerPrompt(prompt.dependencies, { ...attempt, requestedPath: 'full' })
    return prompt
  }

  test('closes the full path, also to a user who asked for it, and halves the length of the answer', async () => {
    const { ending, events, model } = await throttled()
    expect(await events(/^ThrottleEngaged$/)).toMatchObject([
      { data: { spentMicros: 500, softMicros: 500, dailyMicros: 50_000 } },
    ])
    expect(await events(/^RequestRouted$/)).toMatchObject([
      { data: { path: 'fast', by: 'user', throttledBy: ['council'] } },
    ])
    expect(model.calls.map(({ maxTokens }) => maxTokens)).toEqual([50])
    expect(await ending()).toMatchObject({
      type: 'AnswerCompleted',
      data: { text: 'Paris.', degraded: true, reasons: ['throttled'] },
    })
  })

  test('gives full service up to its limit where the policy says stop', async () => {
    const { events } = await throttled('stop')
    expect(await events(/^ThrottleEngaged$/)).toEqual([])
    expect(await events(/^RequestRouted$/)).toMatchObject([{ data: { path: 'full' } }])
  })
})

describe('the emergency stop', () => {
  test('ends a prompt before it costs anything', async () => {
    const { execute, answer, ending, model } = await asked({})
    await execute(FreezeTreasury, { reason: 'audit' })
    await answer()
    expect(await ending()).toMatchObject({ type: 'AnswerFailed', data: { code: 'treasury_frozen', costMicros: 0 } })
    expect(model.calls).toHaveLength(0)
  })
})
