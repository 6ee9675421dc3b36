import { describe, expect, test } from 'vitest'
import { ModelError, type ModelErrorCode } from '../../../src/agents/models/model.ts'
import { answerPrompt, giveUp } from '../../../src/agents/worker/answer.ts'
import { CancelPrompt } from '../../../src/commands/chat/cancel-prompt.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { beginning } from '../../../src/events/identifiers.ts'
import { newId } from '../../support/council.ts'
import { memoryPrompt, question, type AttemptOptions } from '../../support/memory-attempt.ts'
import { end, scriptedModel, text, untilCancelled, usage, type ModelStep } from '../../support/scripted-model.ts'

/** A prompt whose first attempt is answered by the scripted calls; each script is one call. */
async function begin(scripts: ModelStep[][], options: Omit<AttemptOptions, 'model'> = {}) {
  const model = scriptedModel(...scripts)
  const prompt = await memoryPrompt({ model, ...options })
  return { ...prompt, ...(await prompt.nextAttempt()), model }
}

/** The calls of a prompt as they were settled. */
const settlements = async ({ events }: Pick<Awaited<ReturnType<typeof begin>>, 'events'>) =>
  (await events(/^ModelCallEnded$/)).map(({ data }) => data)

describe('an answer', () => {
  test('is completed with its text and its bill, and its job leaves the queue', async () => {
    const begun = await begin([[usage(20, 2), text('Paris'), text('.'), end()]])
    expect(await answerPrompt(begun.dependencies, begun.attempt)).toMatchObject({ result: 'appended' })
    expect(await begun.ending()).toMatchObject({
      type: 'AnswerCompleted',
      data: { text: 'Paris.', finishReason: 'stop', degraded: false, costMicros: 22 },
      jobs: 0,
    })
    expect(begun.tokens.page).toMatchObject({ text: 'Paris.', begun: [1] })
  })

  test('keeps the finish reason of the model, and that it ended in an unusual way', async () => {
    const begun = await begin([[text('Par'), end('length', true)]])
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(await begun.ending()).toMatchObject({ data: { finishReason: 'length', degraded: true } })
  })

  test('is degraded when the earlier turns of its conversation cannot be read', async () => {
    const begun = await begin([[text('Paris.'), end()]])
    const conversation = { conversationId: 'c', actor: 'anna', position: beginning, sequence: 1 }
    await answerPrompt(begun.dependencies, { ...begun.attempt, conversation })
    expect(await begun.ending()).toMatchObject({ type: 'AnswerCompleted', data: { degraded: true } })
  })

  test('continues after a broken stream, once, and pays for both calls', async () => {
    const broken = new ModelError('model_interrupted', 'cut')
    const begun = await begin([
      [usage(20, 1), text('Paris'), broken],
      [usage(22, 2), text(' it is.'), end()],
    ])
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(begun.model.calls.map(({ continueFrom }) => continueFrom)).toEqual(['', 'Paris'])
    expect(await begun.ending()).toMatchObject({
      type: 'AnswerCompleted',
      data: { text: 'Paris it is.', costMicros: 45 },
    })
  })

  test('fails as interrupted when the continuation breaks too, with the text so far', async () => {
    const broken = new ModelError('model_interrupted', 'cut')
    const begun = await begin([
      [text('Par'), broken],
      [text('is'), broken],
    ])
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(begun.model.calls).toHaveLength(2)
    expect(await begun.ending()).toMatchObject({ type: 'AnswerFailed', data: { code: 'interrupted', text: 'Paris' } })
  })

  test.each<[ModelErrorCode, string, number]>([
    ['model_unavailable', 'model_unavailable', 0],
    ['model_overloaded', 'model_overloaded', 0],
    ['model_unauthorized', 'model_unauthorized', 0],
    ['model_unknown', 'model_unknown', 0],
    ['model_rejected', 'model_rejected', 0],
    ['prompt_too_long', 'prompt_too_long', 0],
    ['model_timeout', 'model_timeout', 1],
    ['answer_filtered', 'answer_filtered', 1],
    ['empty_answer', 'empty_answer', 1],
  ])('fails after %s as %s, and pays only if the model may have computed', async (code, failure, paid) => {
    const begun = await begin([[new ModelError(code, 'said so')]])
    await answerPrompt(begun.dependencies, begun.attempt)
    const { type, data, jobs } = await begun.ending()
    expect({ type, data, jobs }).toMatchObject({
      type: 'AnswerFailed',
      data: { code: failure, message: 'said so', text: '' },
      jobs: 0,
    })
    expect(Math.sign((data as { costMicros: number }).costMicros)).toBe(paid)
  })

  test('without text fails as empty, and white space is no text', async () => {
    const begun = await begin([[usage(20, 1), text(' \n'), end()]])
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(await begun.ending()).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'empty_answer', text: '', costMicros: 21 },
    })
  })

  test('that the budget of the day cannot cover fails, and calls no model', async () => {
    const begun = await begin([], { microsPer1000: 1_000_000_000 })
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(begun.model.calls).toEqual([])
    expect(await begun.ending()).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'budget_exceeded', costMicros: 0 },
    })
  })

  test('that runs out of time fails as a timeout, with the text so far', async () => {
    const begun = await begin([[usage(20, 1), text('Par'), () => begun.expire(), untilCancelled]])
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(await begun.ending()).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'model_timeout', text: 'Par', costMicros: 21 },
    })
  })
})

describe('a cancellation', () => {
  test('before the client has sent anything costs nothing', async () => {
    const begun = await begin([[new ModelError('model_cancelled', 'cut', { neverSent: true })]])
    begun.stop('cancelled')
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(await begun.ending()).toMatchObject({ type: 'AnswerCancelled', data: { text: '', costMicros: 0 }, jobs: 0 })
  })

  test('while the model streams keeps the text so far, and costs what was used', async () => {
    const begun = await begin([[usage(20, 1), text('Par'), () => begun.stop('cancelled'), untilCancelled]])
    await answerPrompt(begun.dependencies, begun.attempt)
    expect(await begun.ending()).toMatchObject({ type: 'AnswerCancelled', data: { text: 'Par', costMicros: 21 } })
    expect(await settlements(begun)).toMatchObject([{ outcome: 'cancelled', usage: 'reported' }])
  })
})

describe('an attempt that does not end its prompt', () => {
  test('settles its call when the worker shuts down, and leaves the job in the queue', async () => {
    const begun = await begin([[usage(20, 1), text('Par'), () => begun.stop('shutdown'), untilCancelled]])
    expect(await answerPrompt(begun.dependencies, begun.attempt)).toBe(null)
    expect(await begun.ending()).toMatchObject({ type: 'open', jobs: 1 })
    expect(await settlements(begun)).toMatchObject([{ outcome: 'cancelled', costMicros: 21 }])
  })

  test('records nothing when the token stream already has a newer attempt', async () => {
    const begun = await begin([])
    await begun.dependencies.writeTokens(begun.requestId, 2, 0, '')
    expect(await answerPrompt(begun.dependencies, begun.attempt)).toBe(null)
    expect(await begun.ending()).toMatchObject({ type: 'open', jobs: 1 })
    expect(begun.model.calls).toEqual([])
  })

  test('stops when a newer attempt takes the token stream while it streams, and leaves its call open', async () => {
    const takeStream = () => begun.dependencies.writeTokens(begun.requestId, 2, 0, '')
    const begun = await begin([[text('Par'), takeStream, text('is'), untilCancelled]])
    expect(await answerPrompt(begun.dependencies, begun.attempt)).toBe(null)
    expect(await begun.ending()).toMatchObject({ type: 'open', jobs: 1 })
    expect(await begun.openChat()).toMatchObject({ openCalls: [{ attempt: 1 }] })
    expect(begun.tokens.page.text).toBe('')
  })
})

test('an answer whose token stream is lost is recorded in full', async () => {
  const begun = await begin([[text('Paris'), () => void (begun.tokens.page.text = 'other'), text('.'), end()]])
  await answerPrompt(begun.dependencies, begun.attempt)
  expect(await begun.ending()).toMatchObject({ type: 'AnswerCompleted', data: { text: 'Paris.' } })
})

/** A prompt whose first worker died: it left a call open, and this text in the token stream. */
async function abandoned(scripts: ModelStep[][], { streamed = 'Paris' }: { streamed?: string | null } = {}) {
  const first = await begin(scripts)
  const { requestId } = first
  const call = { scope: 'council' as const, day: '2026-11-25', requestId, attempt: 1, phase: 'respond' }
  await first.execute(ReserveBudget, {
    ...call,
    callId: newId(),
    member: 'council',
    model: 'scripted',
    amountMicros: 500,
    expiresAt: '2026-11-25T12:15:00.000Z',
  })
  if (streamed !== null) {
    await first.tokens.write(requestId, 1, 0, '')
    if (streamed !== '') await first.tokens.write(requestId, 1, 0, streamed)
  }
  return first
}

describe('a takeover', () => {
  test('charges open calls at their reservation, and continues after the streamed text', async () => {
    const first = await abandoned([[usage(25, 2), text(' it is.'), end()]])
    const { attempt } = await first.nextAttempt()
    await answerPrompt(first.dependencies, attempt)
    expect(first.model.calls).toMatchObject([{ continueFrom: 'Paris', requestId: `${first.requestId}-2` }])
    expect(await settlements(first)).toMatchObject([
      { outcome: 'lost', usage: 'unknown', costMicros: 500 },
      { outcome: 'completed', usage: 'reported', costMicros: 27 },
    ])
    expect(await first.ending()).toMatchObject({
      type: 'AnswerCompleted',
      data: { text: 'Paris it is.', costMicros: 527 },
      jobs: 0,
    })
  })

  test('of a cancelled prompt cancels it, and calls no model', async () => {
    const first = await abandoned([])
    await first.execute(CancelPrompt, { requestId: first.requestId })
    const { attempt } = await first.nextAttempt()
    await answerPrompt(first.dependencies, attempt)
    expect(await first.ending()).toMatchObject({ type: 'AnswerCancelled', data: { text: 'Paris', costMicros: 500 } })
  })

  test('that finds the token stream lost fails as interrupted: another text would contradict the one clients saw', async () => {
    const first = await abandoned([], { streamed: null })
    const { attempt } = await first.nextAttempt()
    await answerPrompt(first.dependencies, attempt)
    expect(first.model.calls).toEqual([])
    expect(await first.ending()).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'interrupted', text: '', costMicros: 500 },
    })
  })

  test('that cannot re-read the recorded turns fails as interrupted, and calls no model', async () => {
    const first = await abandoned([])
    const { attempt } = await first.nextAttempt({
      conversation: { conversationId: 'c', actor: 'anna', position: beginning, sequence: 1 },
      sensed: { conversationId: 'c', requestIds: [newId()], omitted: 0 },
    })
    const before = { ...attempt.before, path: 'fast' as const }
    await answerPrompt(first.dependencies, { ...attempt, before })
    expect(first.model.calls).toEqual([])
    expect(await first.ending()).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'interrupted', text: 'Paris', message: expect.stringContaining('earlier turns') as unknown },
      jobs: 0,
    })
  })

  test('shows the model the same turns as the attempt before it', async () => {
    const turn = { requestId: newId(), question: 'Hello?', answer: 'Hello.' }
    const model = scriptedModel([text('Paris.'), end()])
    const prompt = await memoryPrompt({
      model,
      earlierTurns: { before: () => Promise.reject(new Error('not asked')), named: async () => [turn] },
    })
    const { attempt } = await prompt.nextAttempt({
      conversation: { conversationId: 'c', actor: 'anna', position: beginning, sequence: 1 },
      sensed: { conversationId: 'c', requestIds: [turn.requestId], omitted: 0 },
    })
    await answerPrompt(prompt.dependencies, { ...attempt, before: { ...attempt.before, path: 'fast' } })
    expect(model.calls[0]?.messages.slice(1).map(({ content }) => content)).toEqual(['Hello?', 'Hello.', question])
  })
})

describe('giving up', () => {
  test('fails the prompt as crashed, with the streamed text and every open call paid', async () => {
    const first = await abandoned([])
    const { attempt } = await first.nextAttempt()
    await giveUp(first.dependencies, attempt)
    expect(await first.ending()).toMatchObject({
      type: 'AnswerFailed',
      data: { code: 'crashed', text: 'Paris', costMicros: 500 },
      jobs: 0,
    })
  })

  test('cancels a prompt that was cancelled meanwhile', async () => {
    const first = await abandoned([])
    await first.execute(CancelPrompt, { requestId: first.requestId })
    const { attempt } = await first.nextAttempt()
    await giveUp(first.dependencies, attempt)
    expect(await first.ending()).toMatchObject({ type: 'AnswerCancelled', data: { text: 'Paris', costMicros: 500 } })
  })
})
