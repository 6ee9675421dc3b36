import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ModelError, type ChatMessage, type ModelClient, type TokenUsage } from '../../src/agents/models/model.ts'
import { begun, call, failureOf, outcomeOf } from '../support/model-calls.ts'

/** The client under test, and its limits. */
export type Subject = { client: ModelClient; concurrency: number; maxQueued: number; close: () => Promise<void> }

const prompts: [string, ChatMessage[], string][] = [
  ['a question', [{ role: 'user', content: 'What is the capital of France?' }], ''],
  [
    'a system message and a question',
    [
      { role: 'system', content: 'Answer in one word.' },
      { role: 'user', content: 'Where is the Louvre?' },
    ],
    '',
  ],
  [
    'characters of two, three and four bytes',
    [{ role: 'user', content: 'Repeat exactly: naïve 日本語 🎉👩‍👩‍👧 \u0000\u200b' }],
    '',
  ],
  [
    'the markers of the chat template',
    [{ role: 'user', content: '<|im_end|>\n<|im_start|>assistant\n<|endoftext|>' }],
    '',
  ],
  ['only spaces and line breaks', [{ role: 'user', content: ' \n \t\r\n   ' }], ''],
  ['one character', [{ role: 'user', content: 'a' }], ''],
  [
    'a conversation with an unfinished answer',
    [
      { role: 'user', content: 'Hello!' },
      { role: 'assistant', content: 'Hello. How can I help?' },
      { role: 'user', content: 'Write two sentences about rivers.' },
    ],
    'Rivers are vast, interconnected waterways that flow through the earth',
  ],
]

/**
 * The contract of every model client, run against vLLM's stand-in, a real vLLM and the embedded model.
 * It assumes a model that writes more than a few words about rivers.
 */
export function modelClientContract(name: string, setUp: () => Promise<Subject>): void {
  // A model on the CPU of a busy machine is slow.
  describe(name, { timeout: 180_000 }, () => {
    let subject: Subject
    beforeAll(async () => {
      subject = await setUp()
    }, 180_000)
    afterAll(() => subject.close())

    const rivers = { messages: [{ role: 'user' as const, content: 'Write two sentences about rivers.' }] }

    test.each(prompts.filter(([, , continueFrom]) => continueFrom === ''))(
      'counts the tokens of %s as it bills them',
      async (_, messages) => {
        const { usage } = await outcomeOf(subject.client.stream(call({ messages, maxTokens: 1 })))
        expect(await subject.client.countPromptTokens(messages, new AbortController().signal)).toBe(
          usage === 'unknown' ? usage : usage.promptTokens,
        )
      },
    )

    test('reports its model and its health', async () => {
      const info = await subject.client.info()
      expect(info.model).not.toBe('')
      expect(info.contextTokens).toBeGreaterThan(0)
      expect(await subject.client.health()).toEqual({ status: 'pass', info })
    })

    test('streams an answer and closes it with one end', async () => {
      const { chunks, text, end } = await outcomeOf(subject.client.stream(call()))
      expect(['stop', 'length']).toContain(end)
      expect(text).not.toBe('')
      expect(chunks.filter((chunk) => chunk.type === 'end')).toEqual([chunks.at(-1)])
      const texts = chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : []))
      expect(texts.filter((piece) => piece === '' || !piece.isWellFormed() || piece.includes('\uFFFD'))).toEqual([])
    })

    test('reports usage that never decreases', async () => {
      const { chunks } = await outcomeOf(subject.client.stream(call(rivers)))
      const usages = chunks.flatMap((chunk) => (chunk.type === 'usage' ? [chunk.usage] : []))
      const last = usages.at(-1)!
      expect(last.promptTokens).toBeGreaterThan(0)
      expect(last.completionTokens).toBeGreaterThan(0)
      const made = usages.map((usage) => usage.completionTokens ?? -1)
      expect(made).toEqual(made.toSorted((a, b) => a - b))
    })

    test('stops at maxTokens', async () => {
      const { end, usage } = await outcomeOf(subject.client.stream(call({ ...rivers, maxTokens: 5 })))
      expect(end).toBe('length')
      expect(usage).toMatchObject({ completionTokens: 5 })
    })

    test.each(prompts)('bounds the prompt tokens from above: %s', async (_, messages, continueFrom) => {
      const { usage } = await outcomeOf(subject.client.stream(call({ messages, continueFrom, maxTokens: 1 })))
      expect(usage).not.toBe('unknown')
      expect(subject.client.promptTokensAtMost(messages, continueFrom)).toBeGreaterThanOrEqual(
        (usage as TokenUsage).promptTokens,
      )
    })

    test('continues an existing text, and returns only new text', async () => {
      const whole = await outcomeOf(subject.client.stream(call({ ...rivers, maxTokens: 6 })))
      const continued = await outcomeOf(
        subject.client.stream(call({ ...rivers, continueFrom: whole.text, maxTokens: 6 })),
      )
      expect(continued.text).not.toBe('')
      expect(continued.text.startsWith(whole.text)).toBe(false)
      expect((continued.usage as TokenUsage).promptTokens).toBeGreaterThan((whole.usage as TokenUsage).promptTokens)
    })

    const rankings = ['north > south > east', 'south > north > east', 'east > south > north']
    const poll = {
      messages: [{ role: 'user' as const, content: `Rank the answers. Write one line, such as ${rankings[0]}` }],
      constraint: { choices: rankings },
    }

    test.each([0, 1])('writes one of the choices at temperature %d', async (temperature) => {
      const { text, end } = await outcomeOf(subject.client.stream(call({ ...poll, temperature, maxTokens: 40 })))
      expect(rankings).toContain(text)
      expect(end).toBe('stop')
    })

    test('cuts a choice at maxTokens', async () => {
      const { text, end, usage } = await outcomeOf(subject.client.stream(call({ ...poll, maxTokens: 2 })))
      expect(end).toBe('length')
      expect(usage).toMatchObject({ completionTokens: 2 })
      expect(rankings.filter((choice) => choice.startsWith(text))).not.toEqual([])
    })

    test.each<[string, object, z.ZodType]>([
      [
        'a list',
        { type: 'array', items: { type: 'string', enum: ['A', 'B', 'C'] }, minItems: 3, maxItems: 3 },
        z.tuple([z.enum(['A', 'B', 'C']), z.enum(['A', 'B', 'C']), z.enum(['A', 'B', 'C'])]),
      ],
      [
        'an object',
        {
          type: 'object',
          properties: {
            A: { type: 'integer', minimum: 3, maximum: 10 },
            B: { type: 'integer', minimum: 3, maximum: 10 },
          },
          required: ['A', 'B'],
          additionalProperties: false,
        },
        z.strictObject({ A: z.int().min(3).max(10), B: z.int().min(3).max(10) }),
      ],
    ])('writes JSON of a schema: %s', async (_, jsonSchema, parser) => {
      const messages = [{ role: 'user' as const, content: 'Judge the answers A, B and C. Answer with JSON.' }]
      const { text, end } = await outcomeOf(
        subject.client.stream(call({ messages, constraint: { jsonSchema }, maxTokens: 60 })),
      )
      expect(parser.safeParse(JSON.parse(text))).toMatchObject({ success: true })
      expect(end).toBe('stop')
    })

    test('a call cancelled in the middle ends as cancelled at once, with its usage', async () => {
      const stop = new AbortController()
      const { rest } = await begun(subject.client, call({ ...rivers, signal: stop.signal }))
      stop.abort()
      const { end, text, usage } = await rest()
      expect(end).toMatchObject({ code: 'model_cancelled' })
      expect(text).toBe('')
      expect(usage).not.toBe('unknown')
    })

    test('a call that is already cancelled never begins', async () => {
      expect(await failureOf(subject.client.stream(call({ signal: AbortSignal.abort() })))).toBe('model_cancelled')
    })

    test('readers that return early release their slots', async () => {
      for (let left = 0; left <= subject.concurrency + subject.maxQueued; left += 1) {
        for await (const chunk of subject.client.stream(call(rivers))) if (chunk.type === 'text') break
      }
      expect((await outcomeOf(subject.client.stream(call({ maxTokens: 2 })))).end).toBe('length')
    })

    test('runs as many calls as it has slots, queues up to its limit, and rejects the rest', async () => {
      const { concurrency, maxQueued } = subject
      const outcomes = await Promise.all(
        Array.from({ length: concurrency + maxQueued + 1 }, () =>
          outcomeOf(subject.client.stream(call({ ...rivers, maxTokens: 3 }))),
        ),
      )
      const codes = outcomes.map(({ end }) => (end instanceof ModelError ? end.code : end)).toSorted()
      expect(codes).toEqual([...Array.from({ length: concurrency + maxQueued }, () => 'length'), 'model_overloaded'])
    })

    test('a call cancelled while it waits frees its place in the queue', async () => {
      const { concurrency, maxQueued } = subject
      const held = new AbortController()
      const running = await Promise.all(
        Array.from({ length: concurrency }, () =>
          begun(subject.client, call({ ...rivers, maxTokens: 200, signal: held.signal })),
        ),
      )
      const patience = new AbortController()
      const waiting = Array.from({ length: maxQueued }, () =>
        failureOf(subject.client.stream(call({ signal: patience.signal }))),
      )
      patience.abort()
      expect(await Promise.all(waiting)).toEqual(Array.from({ length: maxQueued }, () => 'model_cancelled'))
      const next = outcomeOf(subject.client.stream(call({ maxTokens: 2 })))
      held.abort()
      for (const { rest } of running) expect((await rest()).end).toMatchObject({ code: 'model_cancelled' })
      expect((await next).end).toBe('length')
    })

    test('rejects a prompt that does not fit into the window', async () => {
      const { contextTokens } = await subject.client.info()
      const messages = [{ role: 'user' as const, content: 'word '.repeat(contextTokens + 1000) }]
      expect(await failureOf(subject.client.stream(call({ messages })))).toBe('prompt_too_long')
    })

    test.each([
      ['no room for an answer', { maxTokens: 0 }],
      ['no messages', { messages: [] }],
      ['no choices', { constraint: { choices: [] } }],
    ])('rejects a call with %s', async (_, fields) => {
      expect(await failureOf(subject.client.stream(call(fields)))).toBe('model_rejected')
    })
  })
}
