import {
  ModelError,
  type ModelCall,
  type ModelChunk,
  type ModelClient,
  type UsageReport,
} from '../../src/agents/models/model.ts'

let calls = 0

/** A model call with defaults for the fields that a test does not set. */
export const call = (fields: Partial<ModelCall> = {}): ModelCall => ({
  messages: [{ role: 'user', content: 'What is the capital of France?' }],
  continueFrom: '',
  maxTokens: 16,
  temperature: 0,
  requestId: `test-${process.pid}-${(calls += 1)}`,
  signal: new AbortController().signal,
  ...fields,
})

/** The outcome of one stream, as its caller saw it. */
export type Outcome = {
  text: string
  chunks: ModelChunk[]
  /** The last reported usage. */
  usage: UsageReport | 'unknown'
  /** The finish reason, or the error. */
  end: 'stop' | 'length' | ModelError
}

/** Reads a stream to its end or its error. */
export async function outcomeOf(
  chunks: AsyncIterable<ModelChunk>,
  onChunk: (chunk: ModelChunk) => void = () => undefined,
  usage: Outcome['usage'] = 'unknown',
): Promise<Outcome> {
  const outcome: Outcome = {
    text: '',
    chunks: [],
    usage,
    end: new ModelError('model_interrupted', 'the stream ended without an end chunk'),
  }
  try {
    for await (const chunk of chunks) {
      outcome.chunks.push(chunk)
      if (chunk.type === 'text') outcome.text += chunk.text
      if (chunk.type === 'usage') outcome.usage = chunk.usage
      if (chunk.type === 'end') outcome.end = chunk.finishReason
      onChunk(chunk)
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    outcome.end = error
  }
  return outcome
}

/** The code of the error that ends a stream; otherwise a text that describes the answer. */
export async function failureOf(chunks: AsyncIterable<ModelChunk>): Promise<string> {
  const { end, text } = await outcomeOf(chunks)
  return end instanceof ModelError ? end.code : `answered ${JSON.stringify(text)}`
}

/** Starts a stream and reads its first text; `rest` reads the remainder. */
export async function begun(
  client: ModelClient,
  which: ModelCall,
): Promise<{ firstText: string; rest: () => Promise<Outcome> }> {
  const stream = client.stream(which)[Symbol.asyncIterator]()
  let usage: Outcome['usage'] = 'unknown'
  for (;;) {
    const next = await stream.next()
    if (next.done) throw new Error('the answer ended before it had any text')
    if (next.value.type === 'usage') usage = next.value.usage
    if (next.value.type === 'text')
      return {
        firstText: next.value.text,
        rest: () => outcomeOf({ [Symbol.asyncIterator]: () => stream }, undefined, usage),
      }
  }
}
