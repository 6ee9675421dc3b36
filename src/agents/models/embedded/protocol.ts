import { z } from 'zod'

/** The IPC protocol between the council and the process of the embedded model. Each side validates the messages that it receives. */

const Usage = z.strictObject({ promptTokens: z.int().nonnegative(), completionTokens: z.int().nonnegative() })

export const LoadOptions = z.strictObject({
  modelPath: z.string(),
  threads: z.int().positive(),
  /** Concurrent answers, generated in one batch. */
  sequences: z.int().positive(),
  /** Window of each answer, prompt included. */
  contextTokens: z.int().positive(),
})
export type LoadOptions = z.infer<typeof LoadOptions>

const Messages = z.array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1)
export type Messages = z.infer<typeof Messages>

/** An `OutputConstraint` within the limits of a grammar. The schema travels as JSON text. */
export const JobConstraint = z.union([
  z.strictObject({ choices: z.array(z.string().max(1_000)).min(1).max(1_000) }),
  z.strictObject({ jsonSchema: z.string().max(50_000), distinct: z.literal(true).optional() }),
])
export type JobConstraint = z.infer<typeof JobConstraint>

export const GenerateJob = z.strictObject({
  id: z.int(),
  messages: Messages,
  continueFrom: z.string(),
  maxTokens: z.int().positive(),
  temperature: z.number().nonnegative(),
  constraint: JobConstraint.optional(),
})
export type GenerateJob = z.infer<typeof GenerateJob>

export const ToChild = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('load'), options: LoadOptions }),
  z.strictObject({ type: z.literal('generate'), job: GenerateJob }),
  z.strictObject({ type: z.literal('cancel'), id: z.int() }),
  z.strictObject({ type: z.literal('count'), id: z.int(), messages: Messages }),
])
export type ToChild = z.infer<typeof ToChild>

export const JobUpdate = z.discriminatedUnion('type', [
  /** A part of the prompt was evaluated; shows that the process is alive. */
  z.strictObject({ type: z.literal('progress'), id: z.int() }),
  z.strictObject({ type: z.literal('text'), id: z.int(), text: z.string().min(1), usage: Usage }),
  z.strictObject({ type: z.literal('end'), id: z.int(), finishReason: z.enum(['stop', 'length']), usage: Usage }),
  z.strictObject({
    type: z.literal('failed'),
    id: z.int(),
    code: z.enum(['prompt_too_long', 'model_rejected', 'model_interrupted', 'model_cancelled']),
    message: z.string(),
    usage: Usage,
  }),
])
export type JobUpdate = z.infer<typeof JobUpdate>

export const FromChild = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('ready'),
    contextTokens: z.int().positive(),
    tokensPerSecond: z.number().positive(),
  }),
  /** The model could not be loaded. The parent ends the process. */
  z.strictObject({ type: z.literal('unusable'), message: z.string() }),
  /** The token count of a prompt; null while the model is not loaded. */
  z.strictObject({ type: z.literal('counted'), id: z.int(), tokens: z.int().nonnegative().nullable() }),
  ...JobUpdate.options,
])
export type FromChild = z.infer<typeof FromChild>
