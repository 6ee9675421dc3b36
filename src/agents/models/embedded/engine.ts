import { createHash } from 'node:crypto'
import {
  type ChatHistoryItem,
  ChatMLChatWrapper,
  type ChatWrapper,
  getLlama,
  type LlamaContextSequence,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  type LlamaModel,
  LlamaText,
  resolveChatWrapper,
  type Token,
} from 'node-llama-cpp'
import { createGrammars, UnusableConstraint, type Grammars } from './grammars.ts'
import { createRounds, type Steps } from './rounds.ts'
import type { GenerateJob, JobUpdate, LoadOptions, Messages } from './protocol.ts'

/** The language model itself (llama.cpp on the CPU). It runs only in the child process, see `child.ts`. */
export type Engine = {
  /** Window of one answer, in tokens. */
  contextTokens: number
  /** Generates one answer and reports its progress; the last update is `end` or `failed`. At most `sequences` at a time. */
  generate: (job: GenerateJob, report: (update: JobUpdate) => void, signal: AbortSignal) => void
  /** Counts the prompt tokens of a fresh answer. */
  count: (messages: Messages) => number
  /** Measures how many tokens a second this machine generates when nothing else runs. */
  measure: () => Promise<number>
}

/** Prompt tokens evaluated between two checks of the signal: a third of a second on a slow core. A larger step also delays the other sequences. */
const prefillStep = 32
/** A character has at most four bytes, so a longer run of tokens is not an unfinished character. */
const maxHeldBackTokens = 4
const measuredTokens = 24
/**
 * Keeps a small model from writing one sentence until its limit: the longer the run of tokens that a token would continue a second time,
 * the less likely it becomes. Runs of up to four tokens are free, so that names, rows and figures may recur. Only the answer is compared,
 * its last 512 tokens. Without that number nothing is, although node-llama-cpp 3.21.1 documents the default as the whole context.
 */
const againstLoops = { strength: 0.8, allowedLength: 4, lastTokens: 512, sequenceBreakers: [] }
/** SHA-256 of SmolLM2's chat template, which is ChatML. */
const smolLm2Template = '872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788'

/** A loaded model, and the sequences of its batch that no answer uses. */
type Loaded = {
  model: LlamaModel
  wrapper: ChatWrapper
  grammars: Grammars
  free: LlamaContextSequence[]
  contextTokens: number
}

/** Loads the model; rejects when the file is no model or llama.cpp cannot run here. Compiles and downloads nothing. */
export async function loadEngine({ modelPath, threads, sequences, contextTokens }: LoadOptions): Promise<Engine> {
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: threads,
  })
  const model = await llama.loadModel({ modelPath })
  const context = await model.createContext({ sequences, contextSize: contextTokens, threads })
  const wrapper = chatWrapper(model)
  const free = Array.from({ length: sequences }, () => context.getSequence())
  const loaded = { model, wrapper, grammars: createGrammars(llama), free, contextTokens }
  const rounds = createRounds()
  return {
    contextTokens,
    generate: (job, report, signal) => rounds.join(answer(loaded, job, report, signal)),
    count: (messages) => promptTokens(model, wrapper, { messages, continueFrom: '' }).length,
    measure: () => measureRate(model, free),
  }
}

/** Generates one answer in steps: erases what the sequence does not need, reads the prompt in pieces, then makes one token a step. */
async function* answer(
  loaded: Loaded,
  job: GenerateJob,
  report: (update: JobUpdate) => void,
  signal: AbortSignal,
): Steps {
  const { model, wrapper, grammars, free, contextTokens } = loaded
  const { id } = job
  const usage = { promptTokens: 0, completionTokens: 0 }
  const fail = (code: Extract<JobUpdate, { type: 'failed' }>['code'], message: string): void => {
    report({ type: 'failed', id, code, message, usage: { ...usage } })
  }
  let sequence: LlamaContextSequence | undefined
  try {
    const tokens = promptTokens(model, wrapper, job)
    if (tokens.length >= contextTokens)
      return fail(
        'prompt_too_long',
        `The prompt has ${tokens.length} tokens, and the model's window of ${contextTokens} leaves no room for an answer.`,
      )
    const grammar = job.constraint && (await grammars.of(job.constraint))
    sequence = takeBest(free, tokens)
    if (sequence === undefined) throw new Error('more calls at a time than the model has sequences')
    usage.promptTokens = tokens.length
    yield* readPrompt(sequence, tokens.slice(0, -1), signal, () => report({ type: 'progress', id }))
    const limit = Math.min(job.maxTokens, contextTokens - tokens.length)
    const writer = textWriter(model)
    let finishReason: 'stop' | 'length' = 'length'
    const generated = sequence.evaluate(tokens.slice(-1), {
      temperature: job.temperature,
      yieldEogToken: true,
      ...(grammar
        ? { grammarEvaluationState: new LlamaGrammarEvaluationState({ model, grammar }) }
        : { dryRepeatPenalty: againstLoops }),
    })
    while (usage.completionTokens < limit && !signal.aborted) {
      const next = await generated.next()
      if (next.done) throw new Error('llama.cpp stopped in the middle of the answer')
      usage.completionTokens += 1
      if (model.isEogToken(next.value)) {
        finishReason = 'stop'
        break
      }
      const text = writer.push(next.value)
      if (text !== '') report({ type: 'text', id, text, usage: { ...usage } })
      yield
    }
    await generated.return()
    if (signal.aborted) fail('model_cancelled', 'The call was cancelled.')
    else report({ type: 'end', id, finishReason, usage: { ...usage } })
  } catch (error) {
    const code = error instanceof UnusableConstraint ? 'model_rejected' : 'model_interrupted'
    fail(code, error instanceof Error ? error.message : 'unknown error of llama.cpp')
  } finally {
    if (sequence !== undefined) free.push(sequence)
  }
}

/** Evaluates the tokens of the prompt that the sequence has not read yet. */
async function* readPrompt(
  sequence: LlamaContextSequence,
  tokens: Token[],
  signal: AbortSignal,
  onProgress: () => void,
): Steps {
  await sequence.adaptStateToTokens(tokens, false)
  while (sequence.nextTokenIndex < tokens.length && !signal.aborted) {
    const from = sequence.nextTokenIndex
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(from, from + prefillStep))
    onProgress()
    yield
  }
}

/**
 * Selects the chat template. The library's detection tries several wrappers and adds one to two seconds to every start
 * (node-llama-cpp 3.21.1), so the template of the bundled model is recognised by its hash.
 */
function chatWrapper(model: LlamaModel): ChatWrapper {
  const template = model.fileInfo.metadata.tokenizer.chat_template ?? ''
  const isKnown = createHash('sha256').update(template).digest('hex') === smolLm2Template
  return isKnown ? new ChatMLChatWrapper() : resolveChatWrapper(model)
}

/** Tokenizes the chat. User text is tokenized as plain text, so `<|im_end|>` in a question is no control token. */
function promptTokens(
  model: LlamaModel,
  wrapper: ChatWrapper,
  { messages, continueFrom }: Pick<GenerateJob, 'messages' | 'continueFrom'>,
): Token[] {
  const chatHistory: ChatHistoryItem[] = [
    ...messages.map(historyItem),
    // The wrapper leaves the last answer open, and the model continues it.
    { type: 'model', response: continueFrom === '' ? [] : [continueFrom] },
  ]
  const tokens = wrapper.generateContextState({ chatHistory }).contextText.tokenize(model.tokenizer)
  // The wrapper always writes a begin-of-text token. Remove it for models that were trained without one.
  return !model.tokens.shouldPrependBosToken && tokens[0] === model.tokens.bos ? tokens.slice(1) : tokens
}

/** Takes the free sequence with the longest common prefix: council members share the beginning of their prompts. */
function takeBest(free: LlamaContextSequence[], tokens: Token[]): LlamaContextSequence | undefined {
  const shared = (sequence: LlamaContextSequence) => sequence.compareContextTokens(tokens).firstDifferentIndex
  const best = free.toSorted((a, b) => shared(b) - shared(a))[0]
  if (best !== undefined) free.splice(free.indexOf(best), 1)
  return best
}

/** Detokenizes incrementally. Tokens that end inside a character wait for the rest of it. */
function textWriter(model: LlamaModel): { push: (token: Token) => string } {
  let pending: Token[] = []
  let written: Token[] = []
  return {
    push: (token) => {
      pending.push(token)
      const text = model.detokenize(pending, false, written)
      if (text.endsWith('\uFFFD') && pending.length < maxHeldBackTokens) return ''
      // Some tokenizers need the preceding tokens to decide about a leading space.
      written = [...written, ...pending].slice(-8)
      pending = []
      return text
    },
  }
}

async function measureRate(model: LlamaModel, free: LlamaContextSequence[]): Promise<number> {
  const sequence = takeBest(free, [])
  if (sequence === undefined) throw new Error('no free sequence to measure with')
  const tokens = sequence.evaluate(model.tokenize('Once upon a time there was'), { yieldEogToken: true })
  await tokens.next()
  const begun = performance.now()
  for (let count = 0; count < measuredTokens; count += 1) await tokens.next()
  const seconds = (performance.now() - begun) / 1000
  await tokens.return()
  free.push(sequence)
  return measuredTokens / seconds
}

function historyItem({ role, content }: GenerateJob['messages'][number]): ChatHistoryItem {
  switch (role) {
    case 'system':
      return { type: 'system', text: LlamaText(content).toJSON() }
    case 'user':
      return { type: 'user', text: content }
    case 'assistant':
      return { type: 'model', response: [content] }
    default:
      return role satisfies never
  }
}
