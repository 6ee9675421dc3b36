import { describe, expect, test } from 'vitest'
import { ModelError, type ModelErrorCode } from '../../../src/agents/models/model.ts'
import { answerPrompt, giveUp } from '../../../src/agents/worker/answer.ts'
import { CancelPrompt } from '../../../src/commands/chat/cancel-prompt.ts'
import { ReserveBudget } from '../../../src/commands/budget/reserve-budget.ts'
import { beginning, Principal, type Uuid7 } from '../../../src/events/identifiers.ts'
import { noProgress } from '../../../src/agents/council/progress.ts'
import { reservationFor } from '../../support/budget-calls.ts'
import { newId } from '../../support/council.ts'
import { memoryPrompt, question, type AttemptOptions } from '../../support/memory-attempt.ts'
import { end, scriptedModel, text, untilCancelled, usage, type ModelStep } from '../../support/scripted-model.ts'

/** A prompt whose first attempt is answered by the scripted calls; each script is one call. */
async function begin(scripts: ModelStep[][], options: Omit<AttemptOptions, 'model'> = {}) {
  const model = scriptedModel(...scripts)
  const prompt = await memoryPrompt({ model, ...options })
  const { attempt, ...controls } = await prompt.nextAttempt()
  return { ...prompt, ...controls, attempt, model, answer: () => answerPrompt(prompt.dependencies, attempt) }
}

/** The calls of a prompt as they were settled. */
const settlements = async ({ events }: Pick<Awaited<ReturnType<typeof begin>>, 'events'>) =>
  (await events(/^ModelCallEnded$/)).map(({ data }) => data)

describe('an answer', () => {
  test('is completed with its text and its bill, and its job leaves the queue', async () => {
    const begun = await begin([[usage(20, 2), text('Paris'), text('.'), end()]])
    expect(await begun.answer()).toMatchObject({ result: 'appended' })
    expect(await begun.ending()).toMatchObject({
      type: 'AnswerCompleted',
      data: { text: 'Paris.', finishReason: 'stop', degraded: false, costMicros: 22 },
      jobs: 0,
    })
    expect(begun.tokens.page).toMatchObject({ text: 'Paris.', begun: [1] })
  })

  test('keeps the finish reason of the model, and that it ended in an unusual way', async () => {
    const begun = await begin([[text('Par'), end('length', true)]])
    await begun.answer()
    expect(await begun.ending()).toMatchObject({ data: { finishReason: 'length', degraded: true } })
  })

  test('is degraded when the earlier turns of its conversation cannot be read', async () => {
    const begun = await begin([[text('Paris.'), end()]])
    const conversation = { conversationId: 'c', actor: Principal.parse('anna'), position: beginning, sequence: 1 }
    await answerPrompt(begun.dependencies, { ...begun.attempt, conversation })
    expect(await begun.ending()).toMatchObject({ type: 'AnswerCompleted', data: { degraded: true } })
  })

  test('continues after a broken stream, once, and pays for both calls', async () => {
    const begun = await begin([
      [usage(20, 1), text('Paris'), new ModelError('model_interrupted', 'cut')],
      [usage(22, 2), text(' it is.'), end()],
    ])
    await begun.answer()
    expect(begun.model.calls.map(({ continueFrom }) => continueFrom)).toEqual(['', 'Paris'])
    expect(await begun.ending()).toMatchObject({
      type: 'AnswerCompleted',
      data: { text: 'Paris it is.', costMicros: 45 },
    })
  })

  const broken = new ModelError('model_interrupted', 'cut')
  test.each<[string, ModelStep[][], Omit<AttemptOptions, 'model'>, object]>([
    [
      'whose continuation breaks too fails as interrupted, with the text so far',
      [
        [text('Par'), broken],
        [text('is'), broken],
      ],
      {},
      { code: 'interrupted', text: 'Paris' },
    ],
    [
      'without text fails as empty, and white space is no text',
      [[usage(20, 1), text(' \n'), end()]],
      {},
      { code: 'empty_answer', text: '', costMicros: 21 },
    ],
    [
      'that the budget of the day cannot cover fails, and calls no model',
      [],
      { microsPer1000: 1_000_000_000 },
      { code: 'budget_exceeded', costMicros: 0 },
    ],
  ])('%s', async (_, scripts, options, data) => {
    const begun = await begin(scripts, options)
    await begun.answer()
    expect(begun.model.calls).toHaveLength(scripts.length)
    expect(await begun.ending()).toMatchObject({ type: 'AnswerFailed', data })
  })

  test.each<[ModelErrorCode, number]>([
    ['model_unavailable', 0],
    ['model_overloaded', 0],
    ['model_unauthorized', 0],
    ['model_unknown', 0],
    ['model_rejected', 0],
    ['prompt_too_long', 0],
    ['model_timeout', 1],
    ['answer_filtered', 1],
    ['empty_answer', 1],
  ])('fails with the error %s of the model, and pays only if the model may have computed', async (code, paid) => {
    const begun = await begin([[new ModelError(code, 'said so')]])
    await begun.answer()
    const { type, data, jobs } = await begun.ending()
    expect({ type, data, jobs }).toMatchObject({
      type: 'AnswerFailed',
      data: { code, message: 'said so', text: '' },
      jobs: 0,
    })
    expect(Math.sign((data as { costMicros: number }).costMicros)).toBe(paid)
  })

  test('that runs out of time fails as a timeout, with the text so far', async () => {
    const begun = await begin([[usage(20, 1), text('Par'), () => begun.expire(), untilCancelled]])
    await begun.answer()
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
    await begun.answer()
    expect(await begun.ending()).toMatchObject({ type: 'AnswerCancelled', data: { text: '', costMicros: 0 }, jobs: 0 })
  })

  test('while the model streams keeps the text so far, and costs the tokens so far', async () => {
    const begun = await begin([[usage(20, 1), text('Par'), () => begun.stop('cancelled'), untilCancelled]])
    await begun.answer()
    expect(await begun.ending()).toMatchObject({ type: 'AnswerCancelled', data: { text: 'Par', costMicros: 21 } })
    expect(await settlements(begun)).toMatchObject([{ outcome: 'cancelled', usage: 'reported' }])
  })
})

describe('an attempt that does not end its prompt', () => {
  test('settles its call when the worker shuts down, and leaves the job in the queue', async () => {
    const begun = await begin([[usage(20, 1), text('Par'), () => begun.stop('shutdown'), untilCancelled]])
    expect(await begun.answer()).toBe(null)
    expect(await begun.ending()).toMatchObject({ type: 'open', jobs: 1 })
    expect(await settlements(begun)).toMatchObject([{ outcome: 'cancelled', costMicros: 21 }])
  })

  test('records nothing when the token stream already has a newer attempt', async () => {
    const begun = await begin([])
    await begun.dependencies.writeTokens(begun.requestId, 2, 0, '')
    expect(await begun.answer()).toBe(null)
    expect(await begun.ending()).toMatchObject({ type: 'open', jobs: 1 })
    expect(begun.model.calls).toEqual([])
  })

  test('stops when a newer attempt takes the token stream while it streams, and leaves its call open', async () => {
    const takeStream = () => begun.dependencies.writeTokens(begun.requestId, 2, 0, '')
    const begun = await begin([[text('Par'), takeStream, text('is'), untilCancelled]])
    expect(await begun.answer()).toBe(null)
    expect(await begun.ending()).toMatchObject({ type: 'open', jobs: 1 })
    expect(await begun.openChat()).toMatchObject({ openCalls: [{ attempt: 1 }] })
    expect(begun.tokens.page.text).toBe('Par')
  })
})

test('an answer whose token stream is lost is recorded in full', async () => {
  const begun = await begin([[text('Paris'), () => void (begun.tokens.page.text = 'other'), text('.'), end()]])
  await begun.answer()
  expect(await begun.ending()).toMatchObject({ type: 'AnswerCompleted', data: { text: 'Paris.' } })
})

/** A prompt whose first worker died: it left a call open, and this text in the token stream. */
async function abandoned(scripts: ModelStep[][], { streamed = 'Paris' }: { streamed?: string | null } = {}) {
  const first = await begin(scripts)
  const { requestId } = first
  await first.execute(ReserveBudget, reservationFor(requestId))
  if (streamed !== null) {
    await first.tokens.write(requestId, 1, 0, '')
    if (streamed !== '') await first.tokens.write(requestId, 1, 0, streamed)
  }
  return first
}

/** The fields of an attempt at a prompt whose earlier turns an attempt before it has recorded. */
const sensedTurns = (...requestIds: Uuid7[]) => ({
  conversation: { conversationId: 'c', actor: Principal.parse('anna'), position: beginning, sequence: 1 },
  progress: { ...noProgress, path: 'fast' as const, sensed: { conversationId: 'c', requestIds, omitted: 0 } },
})

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

  test('shows its model the turns and the instructions that the first attempt showed it', async () => {
    const first = await abandoned([[text(' it is.'), usage(25, 2), end()]])
    const turns = ['one', 'two', 'three'].map((word) => ({ question: `${word}?`, answer: `${word}.` }))
    const { attempt } = await first.nextAttempt({
      conversation: { conversationId: 'c', given: { instructions: 'Answer in French.', turns } },
      progress: {
        ...noProgress,
        path: 'fast' as const,
        sensed: { conversationId: 'c', requestIds: [], given: 2, omitted: 1, reason: 'window' },
      },
    })
    await answerPrompt(first.dependencies, attempt)
    const [call] = first.model.calls
    expect(call?.messages.map(({ content }) => content)).toEqual([
      expect.stringMatching(/^You .*\n\nAnswer in French\.$/),
      ...['two?', 'two.', 'three?', 'three.'],
      attempt.question,
    ])
  })

  test('of a cancelled prompt cancels it, and calls no model', async () => {
    const first = await abandoned([])
    await first.execute(CancelPrompt, { requestId: first.requestId })
    const { attempt } = await first.nextAttempt()
    await answerPrompt(first.dependencies, attempt)
    expect(await first.ending()).toMatchObject({ type: 'AnswerCancelled', data: { text: 'Paris', costMicros: 500 } })
  })

  test('that finds no token stream fails as interrupted, because another text would contradict the streamed one', async () => {
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
    const { attempt } = await first.nextAttempt(sensedTurns(newId()))
    await answerPrompt(first.dependencies, attempt)
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
    const { attempt } = await prompt.nextAttempt(sensedTurns(turn.requestId))
    await answerPrompt(prompt.dependencies, attempt)
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
