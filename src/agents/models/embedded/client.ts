/** The model client of the embedded model. */

import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { z } from 'zod'
import type { Logger } from '../../../platform/logger.ts'
import { countedInTime, orAborted } from '../abort.ts'
import { superviseModel, type ModelProcess } from './process.ts'
import { JobConstraint, type GenerateJob, type JobUpdate, type Messages } from './protocol.ts'
import {
  ModelError,
  type ChatMessage,
  type ModelCall,
  type ModelChunk,
  type ModelClient,
  type ModelInfo,
  type OutputConstraint,
} from '../model.ts'
import { missingModel } from '../missing.ts'
import { promptTokensAtMost } from '../prompt-bound.ts'
import { createSlots } from '../slots.ts'

export type EmbeddedClientOptions = {
  /** A GGUF file, see `model-file.ts`. */
  modelPath: string
  /** The name by which the model is recorded and priced. By default it is derived from the file name. */
  model?: string
  /** Compute threads, at most one a core because more would starve each other. By default one core is left for the council. */
  threads?: number
  /** Concurrent answers, generated in one batch. */
  sequences: number
  /** Window of each answer, prompt included. */
  contextTokens: number
  /** Calls that may wait for a sequence; further calls fail with `model_overloaded`. */
  maxQueued: number
  /** The longest silence of the model process during a call before it is killed. */
  idleTimeoutMs?: number
  startTimeoutMs?: number
  logger: Logger
}

/** A model client that also reports on its process. */
export type EmbeddedClient = ModelClient & {
  /** This client under the model's name; under any other name, a client whose calls throw ModelError `model_unknown`. */
  modelOf: (name: string) => ModelClient
  /** The rate that was measured when the model was loaded, with nothing else running. */
  tokensPerSecond: () => Promise<number>
  pid: () => number | undefined
}

/**
 * Creates a client of a model on this machine's CPU. The model runs in its own process, which isolates the council from its load and
 * its crashes. Loading starts at once, and calls wait for it.
 */
export function createEmbeddedClient(options: EmbeddedClientOptions): EmbeddedClient {
  const { modelPath, sequences, contextTokens, logger, idleTimeoutMs = 60_000, startTimeoutMs = 120_000 } = options
  const threads = Math.min(options.threads ?? Math.max(1, availableParallelism() - 1), availableParallelism())
  const model = options.model ?? modelName(modelPath)
  const process = superviseModel({ modelPath, threads, sequences, contextTokens, startTimeoutMs, logger })
  const slots = createSlots(sequences, options.maxQueued)
  let lastId = 0

  const info = async (): Promise<ModelInfo> => ({
    model,
    kind: 'embedded',
    contextTokens: (await process.ready()).contextTokens,
  })

  async function* stream(call: ModelCall): AsyncGenerator<ModelChunk, void, void> {
    const job = jobOf(call, (lastId += 1))
    const slot = await slots.take(call.signal)
    try {
      await orAborted(process.ready(), call.signal).catch((error: unknown) => {
        throw call.signal.aborted ? cancelled({ neverSent: true }) : error
      })
    } catch (error) {
      slot.release()
      throw error
    }
    // The slot is released when the model process has freed the sequence, not when the reader returns.
    yield* answer(process, job, call.signal, idleTimeoutMs, slot.release)
  }

  const client: EmbeddedClient = {
    stream,
    info,
    promptTokensAtMost,
    countPromptTokens: (messages, signal) => countedInTime(process.count(sentMessages(messages)), signal),
    health: async () => {
      try {
        return { status: 'pass', info: await info() }
      } catch (error) {
        if (error instanceof ModelError) return { status: 'fail', code: error.code, message: error.message }
        throw error
      }
    },
    tokensPerSecond: async () => (await process.ready()).tokensPerSecond,
    modelOf: (name) =>
      name === model
        ? client
        : missingModel(
            `The only model is ${model}, not ${name}. Set VLLM_URL, or check config/council.json.`,
            'model_unknown',
          ),
    pid: process.pid,
    close: process.close,
  }
  return client
}

/** The job of a call. Throws ModelError `model_rejected` for a call that the model process would not accept. */
function jobOf(call: ModelCall, id: number): GenerateJob {
  const { messages, continueFrom, maxTokens, temperature, constraint } = call
  if (maxTokens < 1) throw new ModelError('model_rejected', `maxTokens must be at least 1, got ${maxTokens}.`)
  if (messages.length === 0) throw new ModelError('model_rejected', 'A call needs at least one message.')
  return {
    id,
    messages: sentMessages(messages),
    continueFrom,
    maxTokens,
    temperature,
    ...(constraint && { constraint: sentConstraint(constraint) }),
  }
}

const sentMessages = (messages: readonly ChatMessage[]): Messages =>
  messages.map(({ role, content }) => ({ role, content }))

function sentConstraint(constraint: OutputConstraint): JobConstraint {
  const sent = JobConstraint.safeParse(
    'choices' in constraint ? constraint : { ...constraint, jsonSchema: JSON.stringify(constraint.jsonSchema) },
  )
  if (sent.success) return sent.data
  throw new ModelError('model_rejected', `The constraint is outside its limits: ${z.prettifyError(sent.error)}`)
}

/** Runs one job and yields its chunks. Calls `onFreed` exactly once, when the process has finished the job. */
async function* answer(
  process: ModelProcess,
  job: GenerateJob,
  signal: AbortSignal,
  idleTimeoutMs: number,
  onFreed: () => void,
): AsyncGenerator<ModelChunk, void, void> {
  const updates: JobUpdate[] = []
  let wake = Promise.withResolvers<undefined>()
  const watchdog = setTimeout(() => process.kill(`it sent nothing for ${idleTimeoutMs} ms`), idleTimeoutMs)

  const cancel = () => {
    process.cancel(job.id)
    wake.resolve(undefined)
  }
  signal.addEventListener('abort', cancel, { once: true })
  process.start(job, (update) => {
    watchdog.refresh()
    if (update.type === 'end' || update.type === 'failed') {
      clearTimeout(watchdog)
      onFreed()
    }
    updates.push(update)
    wake.resolve(undefined)
  })

  try {
    for (;;) {
      if (signal.aborted) throw cancelled()
      const update = updates.shift()
      if (update === undefined) {
        await wake.promise
        wake = Promise.withResolvers<undefined>()
        continue
      }
      switch (update.type) {
        case 'progress':
          break
        case 'text':
          yield { type: 'usage', usage: update.usage }
          yield { type: 'text', text: update.text }
          break
        case 'end':
          yield { type: 'usage', usage: update.usage }
          yield { type: 'end', finishReason: update.finishReason, degraded: false }
          return
        case 'failed':
          if (update.usage.promptTokens > 0) yield { type: 'usage', usage: update.usage }
          throw new ModelError(update.code, update.message)
        default:
          return update satisfies never
      }
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    process.cancel(job.id)
  }
}

const cancelled = ({ neverSent } = { neverSent: false }) =>
  new ModelError('model_cancelled', 'The call was cancelled.', { neverSent })

/** Derives the name from the path, without the quantisation: `…/SmolLM2-135M-Instruct.Q4_1.gguf` is `SmolLM2-135M-Instruct`. */
function modelName(path: string): string {
  return basename(path)
    .replace(/\.gguf$/i, '')
    .replace(/[.-](I?Q\d[\w]*|F16|BF16|F32)$/i, '')
}
