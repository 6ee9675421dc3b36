import { describe, expect, test } from 'vitest'
import { lostCall } from '../../../src/agents/model-call.ts'
import { recordEnding, type Ending } from '../../../src/agents/worker/record-ending.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import type { Settlement } from '../../../src/commands/budget/settlement.ts'
import { maxAnswerCharacters } from '../../../src/events/chat.ts'
import { budgetStream } from '../../../src/events/budget.ts'
import { reservationFor, today } from '../../support/budget-calls.ts'
import { memoryPrompt } from '../../support/memory-attempt.ts'
import { scriptedModel } from '../../support/scripted-model.ts'

const budget = budgetStream('council', today())

/** An attempt with these calls open, each reserved at 500 micro-dollars. */
async function attemptWithCalls(...callIds: string[]) {
  const prompt = await memoryPrompt({ model: scriptedModel() })
  const { attempt } = await prompt.nextAttempt()
  for (const callId of callIds) await prompt.execute(ReserveBudget, reservationFor(prompt.requestId, { callId }))
  return {
    ...prompt,
    record: (ending: Ending, dependencies = prompt.dependencies) =>
      recordEnding(dependencies, attempt.run, attempt.job, ending),
  }
}

const settlementOf = (callId: string, part: Partial<Settlement> = {}): Settlement => ({
  callId,
  budgets: [budget],
  outcome: 'completed',
  usage: 'reported',
  promptTokens: 20,
  completionTokens: 2,
  priceRef: 'test@1000/1000',
  costMicros: 22,
  ...part,
})
const completed = (text: string, settlement?: Settlement): Ending => ({
  kind: 'completed',
  finishReason: 'stop',
  reasons: [],
  text,
  firstTextAtMs: null,
  ...(settlement && { settlement }),
})

describe('recordEnding', () => {
  test.each<[string, Ending, object]>([
    ['completed', completed('Paris.'), { type: 'AnswerCompleted', data: { text: 'Paris.' } }],
    [
      'failed',
      { kind: 'failed', code: 'model_timeout', message: 'too slow', text: 'Par', firstTextAtMs: null },
      { type: 'AnswerFailed', data: { code: 'model_timeout', message: 'too slow', text: 'Par' } },
    ],
    ['cancelled', { kind: 'cancelled', text: 'Par', firstTextAtMs: null }, { type: 'AnswerCancelled' }],
  ])('records %s, and removes the job', async (_, ending, recorded) => {
    const { record, ending: found } = await attemptWithCalls()
    expect(await record(ending)).toMatchObject({ result: 'appended' })
    expect(await found()).toMatchObject({ ...recorded, jobs: 0 })
  })

  test.each([
    ['is cut to the limit of the log', `${'x'.repeat(4000)}${'😀'.repeat(600)}`, 1000],
    ['is the code if the model server gave none', '', 'model_rejected'.length],
  ])('the message of a failure %s', async (_, message, length) => {
    const { record, ending } = await attemptWithCalls()
    await record({ kind: 'failed', code: 'model_rejected', message, text: '', firstTextAtMs: null })
    expect(((await ending()).data as { message: string }).message).toHaveLength(length)
  })

  test('records an answer that is too long as failed, with as much text as fits, and still settles its call', async () => {
    const { record, ending } = await attemptWithCalls('one')
    await record(completed('x'.repeat(maxAnswerCharacters + 1), settlementOf('one')))
    const { type, data, jobs } = await ending()
    expect({ type, data, jobs }).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'internal', costMicros: 22 },
      jobs: 0,
    })
    expect((data as { text: string }).text).toHaveLength(maxAnswerCharacters)
  })

  test('charges the reservation when the figures of the bill cannot be written', async () => {
    const { record, ending } = await attemptWithCalls('one')
    await record(completed('Paris.', settlementOf('one', { completionTokens: -1 })))
    expect(await ending()).toMatchObject({ data: { code: 'internal', text: '', costMicros: 500 }, jobs: 0 })
  })

  test('drops a settlement of a call that is not open', async () => {
    const { record, ending } = await attemptWithCalls()
    await record(completed('Paris.', settlementOf('unknown')))
    expect(await ending()).toMatchObject({ type: 'AnswerFailed', data: { code: 'internal', costMicros: 0 }, jobs: 0 })
  })

  test('charges every call that is still open at its reservation, and fails the prompt as internal', async () => {
    const { record, ending, events } = await attemptWithCalls('one', 'two')
    await record(completed('Paris.'))
    expect(await ending()).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'internal', text: '', costMicros: 1000 },
      jobs: 0,
    })
    expect((await events(/^ModelCallEnded$/)).map(({ data }) => data)).toMatchObject([
      { callId: 'one', outcome: 'lost' },
      { callId: 'two', outcome: 'lost' },
    ])
  })

  test('is refused for an attempt that another one superseded, and tries no other form', async () => {
    const { record, nextAttempt, ending } = await attemptWithCalls()
    await nextAttempt()
    expect(await record(completed('Paris.'))).toMatchObject({ result: 'refused', code: 'attempt_superseded' })
    expect(await ending()).toMatchObject({ type: 'open', jobs: 1 })
  })

  test('repeats a command whose outcome is unknown, and records one ending', async () => {
    const { record, dependencies, ending } = await attemptWithCalls('one')
    let lost = 2
    const gate: typeof dependencies.gate = {
      ...dependencies.gate,
      async execute(...command) {
        const result = await dependencies.gate.execute(...command)
        return lost-- > 0 ? { result: 'rejected', code: 'outcome_unknown', message: 'lost' } : result
      },
    }
    const settlement = lostCall('one', [budget], dependencies.prices.of('scripted', 0))
    expect(await record(completed('Paris.', settlement), { ...dependencies, gate })).toMatchObject({
      result: 'duplicate',
    })
    expect(await ending()).toMatchObject({ type: 'AnswerCompleted', data: { costMicros: 500 }, jobs: 0 })
  })
})
