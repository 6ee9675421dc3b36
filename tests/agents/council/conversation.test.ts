import { describe, expect, test } from 'vitest'
import { gatherConversation, type ConversationDependencies } from '../../../src/agents/council/conversation.ts'
import { ModelError, type ChatMessage } from '../../../src/agents/models/model.ts'
import { promptTokensAtMost } from '../../../src/agents/models/prompt-bound.ts'
import { answerPrompt } from '../../../src/agents/worker/answer.ts'
import { beginning, Principal } from '../../../src/events/identifiers.ts'
import { newId } from '../../support/council.ts'
import { memoryPrompt } from '../../support/memory-attempt.ts'
import { end, scriptedModel, text } from '../../support/scripted-model.ts'

const asked = { conversationId: 'c', actor: Principal.parse('anna'), position: beginning, sequence: 999 }
const never = new AbortController().signal

/** A conversation of turns of 100 words each. A word is one token and five bytes. */
function conversation(
  turns: number,
  {
    contextTokens,
    total = turns,
    ...overrides
  }: { contextTokens: number; total?: number } & Partial<ConversationDependencies['model']>,
) {
  const known = Array.from({ length: turns }, () => ({
    requestId: newId(),
    question: 'word '.repeat(50),
    answer: 'word '.repeat(50),
  }))
  let counts = 0
  const model: ConversationDependencies['model'] = {
    info: () => Promise.resolve({ model: 'm', kind: 'vllm', contextTokens }),
    promptTokensAtMost,
    countPromptTokens: (messages) => {
      counts += 1
      return Promise.resolve(messages.reduce((sum, { content }) => sum + content.split(' ').length, 0))
    },
    ...overrides,
  }
  const dependencies: ConversationDependencies = {
    model,
    persona: 'You are a helpful AI assistant.',
    answerMaxTokens: 100,
    earlierTurns: { before: () => Promise.resolve({ turns: known, total }), named: () => Promise.resolve(null) },
  }
  return {
    gather: () => gatherConversation(dependencies, asked, 'And now?', never),
    /** The same turns, as a client gives them with its prompt. */
    gatherGiven: () => {
      const given = {
        turns: known.map(({ question, answer }, index) => ({
          question: question.replace('word', String(index)),
          answer,
        })),
      }
      return gatherConversation(dependencies, { conversationId: 'c', given }, 'And now?', never)
    },
    newestFirst: known.map(({ requestId }) => requestId),
    counts: () => counts,
  }
}

describe('the part of a conversation that a model sees', () => {
  test('is all of it if even the upper bound fits, without asking the tokenizer', async () => {
    const { gather, newestFirst, counts } = conversation(3, { contextTokens: 10_000 })
    expect((await gather()).sensed).toEqual({ conversationId: 'c', requestIds: newestFirst.toReversed(), omitted: 0 })
    expect(counts()).toBe(0)
  })

  test('is as many whole turns as fit by the tokenizer, in a few requests to it', async () => {
    const { gather, newestFirst, counts } = conversation(100, { contextTokens: 4_000 })
    const { sensed, turns } = await gather()
    // 3,900 tokens remain next to the answer. Persona and question take 8; a turn has 102.
    expect(sensed).toEqual({
      conversationId: 'c',
      requestIds: newestFirst.slice(0, 38).toReversed(),
      omitted: 62,
      reason: 'window',
    })
    expect(turns).toHaveLength(38)
    expect(counts()).toBeLessThanOrEqual(7)
  })

  test('is bounded by the upper bound if the tokenizer does not answer', async () => {
    let asked = 0
    const countPromptTokens = () => {
      asked += 1
      return Promise.reject(new ModelError('model_unknown', '/tokenize is not there'))
    }
    const { gather } = conversation(100, { contextTokens: 4_000, countPromptTokens })
    const { sensed, turns } = await gather()
    expect(turns.length).toBeGreaterThan(3)
    expect(turns.length).toBeLessThan(38)
    expect(sensed).toMatchObject({ omitted: 100 - turns.length, reason: 'window' })
    expect(asked).toBe(1)
  })

  test('counts the turns beyond the limit', async () => {
    const { gather } = conversation(3, { contextTokens: 10_000, total: 500 })
    expect((await gather()).sensed).toMatchObject({ omitted: 497, reason: 'limit' })
  })

  test('is empty, with the reason, if not even the newest turn fits', async () => {
    const { gather } = conversation(3, { contextTokens: 150 })
    expect((await gather()).sensed).toEqual({ conversationId: 'c', requestIds: [], omitted: 3, reason: 'window' })
  })

  test('is empty while no model reports its window', async () => {
    const { gather } = conversation(3, {
      contextTokens: 0,
      info: () => Promise.reject(new ModelError('model_unavailable', 'there is none')),
    })
    expect((await gather()).sensed).toEqual({ conversationId: 'c', requestIds: [], omitted: 3, reason: 'unavailable' })
  })
})

describe('the part of a context that a client gave with its prompt', () => {
  test('is its newest turns that fit', async () => {
    const { sensed, turns } = await conversation(100, { contextTokens: 4_000 }).gatherGiven()
    expect(sensed).toEqual({ conversationId: 'c', requestIds: [], given: 38, omitted: 62, reason: 'window' })
    expect(turns.map(({ question }) => question.split(' ')[0])).toEqual(
      Array.from({ length: 38 }, (_, index) => String(62 + index)),
    )
  })

  test('is all of it where it fits', async () => {
    const { sensed } = await conversation(3, { contextTokens: 10_000 }).gatherGiven()
    expect(sensed).toEqual({ conversationId: 'c', requestIds: [], given: 3, omitted: 0 })
  })

  test('is empty while no model reports its window', async () => {
    const info = () => Promise.reject(new ModelError('model_unavailable', 'there is none'))
    const { sensed, turns } = await conversation(3, { contextTokens: 0, info }).gatherGiven()
    expect([sensed, turns]).toEqual([
      { conversationId: 'c', requestIds: [], given: 0, omitted: 3, reason: 'unavailable' },
      [],
    ])
  })
})

test('the reservation of a call with a history covers a tokenizer that makes a token of every byte', async () => {
  const turns = ['naïve', '日本語', '🎉👩‍👩‍👧', '', ' \n\t', '<|im_start|>', 'word '.repeat(200)].map((words) => ({
    requestId: newId(),
    question: words,
    answer: `${words} and ${words}`,
  }))
  // ChatML spends five tokens on a message, and three on the opening of the answer.
  const countTokens = (messages: readonly ChatMessage[]): number =>
    messages.reduce((sum, { content }) => sum + Buffer.byteLength(content) + 5, 3)
  const model = scriptedModel([(call) => (billed = countTokens(call.messages)), text('Fine.'), end()])
  let billed = 0
  const prompt = await memoryPrompt({
    model: { ...model, countPromptTokens: (messages) => Promise.resolve(countTokens(messages)) },
    earlierTurns: { before: async () => ({ turns, total: turns.length }), named: async () => null },
  })
  const { attempt } = await prompt.nextAttempt({ conversation: asked })
  await answerPrompt(prompt.dependencies, attempt)
  expect(model.calls[0]?.messages).toHaveLength(2 * turns.length + 2)
  const [reserved] = await prompt.events(/^BudgetReserved$/)
  expect((reserved?.data as { amountMicros: number }).amountMicros).toBeGreaterThanOrEqual(
    billed + prompt.dependencies.answerMaxTokens,
  )
})
