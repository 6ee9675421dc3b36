import { describe, expect, test } from 'vitest'
import { callModel, settleCall } from '../../src/agents/model-call.ts'
import { ModelError } from '../../src/agents/models/model.ts'
import type { StopReason } from '../../src/agents/run.ts'
import { answerText } from '../../src/agents/worker/answer-text.ts'
import { defaultTerms } from '../../src/commands/aggregates/policy.ts'
import { SetBudgetPolicy } from '../../src/commands/budget/set-budget-policy.ts'
import { maxAnswerCharacters } from '../../src/events/chat.ts'
import { PolicyScope } from '../../src/events/policy.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { today } from '../support/budget-calls.ts'
import { memoryPrompt, question, type AttemptOptions } from '../support/memory-attempt.ts'
import { end, scriptedModel, text, untilCancelled, usage, type ModelStep } from '../support/scripted-model.ts'

const messages = [{ role: 'user' as const, content: question }]

/** A prompt whose first attempt makes one call, with this script, to continue this text. */
async function caller(script: ModelStep[], options: Omit<AttemptOptions, 'model'> = {}, begun = '') {
  const model = scriptedModel(script)
  const prompt = await memoryPrompt({ model, ...options })
  const { attempt, ...controls } = await prompt.nextAttempt()
  const answer = answerText(begun, () => undefined)
  return {
    ...prompt,
    ...controls,
    model,
    answer,
    run: attempt.run,
    call: (run = attempt.run) =>
      callModel(prompt.dependencies, run, {
        phase: 'respond',
        member: 'council',
        model,
        messages,
        maxTokens: prompt.dependencies.answerMaxTokens,
        temperature: 0,
        text: answer,
      }),
  }
}

describe('a model call', () => {
  test('reserves its upper bound before it streams, and returns what it cost', async () => {
    const { call, events, model, dependencies } = await caller([usage(20, 2), text('Paris.'), end()])
    expect(await call()).toMatchObject({
      kind: 'completed',
      settlement: { outcome: 'completed', usage: 'reported', promptTokens: 20, completionTokens: 2, costMicros: 22 },
    })
    const [reserved] = await events(/^BudgetReserved$/)
    expect(reserved?.data).toMatchObject({
      amountMicros: model.promptTokensAtMost(messages, '') + dependencies.answerMaxTokens,
    })
    expect((await events()).map(({ type }) => type)).not.toContain('BudgetDebited')
  })

  test('sends the id and the trace of the request, and asks for the most likely words', async () => {
    const { call, run, model } = await caller([text('Paris.'), end()])
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    await call({ ...run, traceparent })
    expect(model.calls).toMatchObject([
      { requestId: run.requestId, traceparent, temperature: 0, maxTokens: 100, messages },
    ])
  })

  test('without usage costs its reservation', async () => {
    const { call } = await caller([text('Paris.'), end()])
    expect(await call()).toMatchObject({ settlement: { usage: 'unknown', promptTokens: 0, costMicros: 0 } })
  })

  test('counts reasoning as paid for, and not as part of the answer', async () => {
    const { call, answer } = await caller([
      { type: 'reasoning', text: 'x'.repeat(600) },
      usage(20, 1),
      text('Hi'),
      end(),
    ])
    // One token cannot have produced 602 bytes.
    expect(await call()).toMatchObject({ kind: 'completed', settlement: { usage: 'unknown' } })
    expect(answer.soFar()).toBe('Hi')
  })

  test('stops at the limit of an answer, and closes the stream', async () => {
    let isClosed = false
    const script = [text('x'.repeat(maxAnswerCharacters + 1)), () => expect.unreachable('read on'), end()]
    const { call, model } = await caller(script)
    const stream = model.stream
    model.stream = async function* (request) {
      try {
        yield* stream(request)
      } finally {
        isClosed = true
      }
    }
    expect(await call()).toMatchObject({ kind: 'completed', finishReason: 'length' })
    expect(isClosed).toBe(true)
  })

  test('for an answer that is full already completes it, and reserves nothing', async () => {
    const { call, events } = await caller([], {}, 'x'.repeat(maxAnswerCharacters))
    expect(await call()).toEqual({ kind: 'completed', finishReason: 'length', degraded: false })
    expect(await events(/^BudgetReserved$/)).toEqual([])
  })

  test.each(['throttle', 'pause', 'stop'] as const)(
    'that a budget refuses or pauses alerts once for all such calls of the day, in the log and in one line (%s)',
    async (onExceed) => {
      const { call, run, events, execute } = await caller([])
      await execute(SetBudgetPolicy, {
        scope: PolicyScope.parse('user:anna'),
        ...defaultTerms,
        dailyMicros: 10,
        onExceed,
      })
      const lines: string[] = []
      const logger = createLogger('warn', { stream: { write: (line) => void lines.push(line) } })
      const ended = await Promise.all([1, 2, 3].map(() => call({ ...run, logger })))
      expect(ended.map((end) => 'code' in end && end.code)).toEqual(Array(3).fill('budget_exceeded'))
      const alerts = await events(/^HardLimitReached$/)
      expect(alerts).toMatchObject([
        {
          stream: `budget/user:anna/${today()}`,
          data: { kind: 'hard', dailyMicros: 10, spentMicros: 0, reservedMicros: 0, timeZone: 'UTC' },
          metadata: { requestId: run.requestId },
        },
      ])
      expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
        { level: 'warn', limit: 'hard', budget: alerts[0]?.stream, position: alerts[0]?.position },
      ])
    },
  )

  test('whose cost reaches the soft limit alerts in one line', async () => {
    const { call, run, events, execute, dependencies } = await caller([usage(20, 2), text('Paris.'), end()])
    await execute(SetBudgetPolicy, {
      scope: PolicyScope.parse('council'),
      ...defaultTerms,
      dailyMicros: 1_000,
      softPercent: 1,
    })
    const lines: string[] = []
    const logger = createLogger('warn', { stream: { write: (line) => void lines.push(line) } })
    const { settlement } = await call({ ...run, logger })
    await settleCall(dependencies, { ...run, logger }, settlement!)
    const [alert] = await events(/^ThrottleEngaged$/)
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { level: 'warn', limit: 'soft', budget: alert?.stream, position: alert?.position },
    ])
  })

  test('that the budget cannot cover fails with the time at which the budget is whole again', async () => {
    const { call, model } = await caller([], { microsPer1000: 1_000_000_000 })
    expect(await call()).toEqual({
      kind: 'failed',
      code: 'budget_exceeded',
      message: expect.stringMatching(/\d{4}-\d\d-\d\dT00:00:00\.000Z$/) as unknown,
    })
    expect(model.calls).toEqual([])
  })

  test('ends the run when another attempt has taken over', async () => {
    const { call, nextAttempt, model } = await caller([])
    await nextAttempt()
    await expect(call()).rejects.toMatchObject({ name: 'RunEnded', code: 'attempt_superseded' })
    expect(model.calls).toEqual([])
  })

  test('fails without a reservation while there is no model', async () => {
    const { call, model, events } = await caller([])
    model.info = () => Promise.reject(new ModelError('model_unavailable', 'none yet'))
    expect(await call()).toEqual({ kind: 'failed', code: 'model_unavailable', message: 'none yet' })
    expect(await events(/^BudgetReserved$/)).toEqual([])
  })

  test.each<[string, ModelStep[], object]>([
    ['an error before the first chunk', [new ModelError('model_overloaded', 'busy')], { outcome: 'released' }],
    [
      'the same error after it',
      [usage(20, 1), new ModelError('model_overloaded', 'busy')],
      { outcome: 'failed', costMicros: 21 },
    ],
    ['a stream without an end', [usage(20, 1), text('Par')], { outcome: 'failed', costMicros: 21 }],
    ['an error that no client may throw', [usage(20, 1), new RangeError('odd')], { outcome: 'failed', costMicros: 21 }],
  ])('settles %s', async (_, script, settlement) => {
    const { call } = await caller(script)
    expect(await call()).toMatchObject({ kind: 'failed', settlement })
  })

  test.each<[StopReason | 'out_of_time']>([['cancelled'], ['shutdown'], ['superseded'], ['out_of_time']])(
    'that is cut off returns the reason %s',
    async (reason) => {
      const cut = (): void => (reason === 'out_of_time' ? run.expire() : run.stop(reason))
      const run = await caller([usage(20, 1), text('Par'), () => cut(), untilCancelled])
      expect(await run.call()).toMatchObject({ kind: 'stopped', reason, settlement: { outcome: 'cancelled' } })
    },
  )
})
