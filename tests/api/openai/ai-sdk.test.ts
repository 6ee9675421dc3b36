import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText } from 'ai'
import { describe, expect, test } from 'vitest'
import { councilClient } from '../../../src/client/client.ts'
import { newId } from '../../support/council.ts'
import { adminToken } from '../../support/served-council.ts'
import { serveForTests } from '../../support/test-scene.ts'
import { rejection } from '../../support/vllm-stand-in/script.ts'

const scene = serveForTests()
const council = (apiKey = adminToken) =>
  createOpenAICompatible({ name: 'council', baseURL: `${scene.council.url}/v1`, apiKey, includeUsage: true })
const asked = { prompt: 'What is the capital of France?', maxRetries: 0 }

describe('the AI SDK', () => {
  test('gets an answer with its usage', async () => {
    scene.model.nextAnswer({ tokens: ['Paris', '.'] })
    const { text, finishReason, usage, finalStep } = await generateText({ model: council()('council-fast'), ...asked })
    expect([text, finishReason, finalStep.response.modelId]).toEqual(['Paris.', 'stop', 'council-fast'])
    expect(usage.outputTokens).toBeGreaterThan(0)
    expect(usage.totalTokens).toBe(usage.inputTokens! + usage.outputTokens!)
  })

  test('streams an answer, and knows why it ended', async () => {
    scene.model.nextAnswer({ tokens: ['Par', 'is', '.'] })
    const answer = streamText({ model: council()('council-fast'), ...asked })
    const pieces = await Array.fromAsync(answer.textStream)
    expect(pieces.join('')).toBe('Paris.')
    expect(await answer.finishReason).toBe('stop')
    expect((await answer.usage).outputTokens).toBeGreaterThan(0)
  })

  test('carries on a conversation with instructions', async () => {
    const answer = scene.model.nextAnswer({ tokens: ['Berlin.'] })
    const { text } = await generateText({
      model: council()('council-fast'),
      maxRetries: 0,
      instructions: 'Answer with one word.',
      messages: [
        { role: 'user', content: 'What is the capital of France?' },
        { role: 'assistant', content: 'Paris.' },
        { role: 'user', content: 'And of Germany?' },
      ],
    })
    expect(text).toBe('Berlin.')
    const sent = JSON.stringify((await answer.received).chat.messages)
    for (const part of ['Answer with one word.', 'Paris.', 'And of Germany?']) expect(sent).toContain(part)
  })

  test('is told of an answer that ends in mid-stream, and does not wait for its end', async () => {
    const model = scene.model.nextAnswer({ gated: true })
    const errors: unknown[] = []
    const answer = streamText({
      model: council()('council-fast'),
      ...asked,
      onError: ({ error }) => void errors.push(error),
    })
    const text = Array.fromAsync(answer.textStream)
    await model.emit('Par')
    const promptId = (await model.received).requestId.slice(0, newId().length)
    await councilClient({ url: scene.council.url, token: adminToken }).cancel(promptId)
    expect((await text).join('')).toContain('Par')
    expect(errors).toMatchObject([{ message: expect.stringContaining('cancelled') as string }])
  })

  test('gets the error of a token that the council does not know, and of a model that fails', async () => {
    const wrong = generateText({ model: council('wrong')('council-fast'), ...asked })
    expect(await wrong.catch((error: unknown) => error)).toMatchObject({ statusCode: 401, isRetryable: false })
    scene.model.nextAnswer({ trap: rejection })
    const failed = await generateText({ model: council()('council-fast'), ...asked }).catch((error: unknown) => error)
    expect(APICallError.isInstance(failed)).toBe(true)
    expect(failed).toMatchObject({ isRetryable: true, statusCode: 500 })
  })
})
