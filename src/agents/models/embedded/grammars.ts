import type { GbnfJsonSchema, Llama, LlamaGrammar } from 'node-llama-cpp'
import { z } from 'zod'
import { distinctListGrammar } from './distinct-list.ts'
import type { JobConstraint } from './protocol.ts'

/** The grammars of constrained answers, as llama.cpp reads them. They hold no state of an answer, so answers share them. */
export type Grammars = {
  /** Throws UnusableConstraint if llama.cpp cannot constrain an answer in this way. */
  of: (constraint: JobConstraint) => Promise<LlamaGrammar>
}

/** llama.cpp cannot enforce the constraint. */
export class UnusableConstraint extends Error {}

/** A council needs one for each kind of ballot and number of candidates. */
const maxCached = 64
/**
 * The end that node-llama-cpp 3.21.1 adds to the grammar of every schema. It is made for the library's chat session, which ends an
 * answer at four line breaks. Without it, the model can only end its answer after the JSON.
 */
const lineBreaksAtEnd = String.raw` "\n\n\n\n" [\n]*`

/** Creates a cache of grammars by content. It forgets the grammar that has been unused for the longest time. */
export function createGrammars(llama: Llama): Grammars {
  const cached = new Map<string, Promise<LlamaGrammar>>()
  return {
    of: (constraint) => {
      const content = JSON.stringify(constraint)
      const grammar = cached.get(content) ?? createGrammar(llama, constraint)
      cached.delete(content)
      cached.set(content, grammar)
      const [oldest] = cached.keys()
      if (cached.size > maxCached && oldest !== undefined) cached.delete(oldest)
      return grammar
    },
  }
}

async function createGrammar(llama: Llama, constraint: JobConstraint): Promise<LlamaGrammar> {
  try {
    return await llama.createGrammar({ grammar: await grammarOfConstraint(llama, constraint) })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error'
    throw new UnusableConstraint(`llama.cpp cannot enforce the constraint: ${reason}`, { cause })
  }
}

async function grammarOfConstraint(llama: Llama, constraint: JobConstraint): Promise<string> {
  if ('choices' in constraint) return grammarOf(constraint.choices)
  if (constraint.distinct) return distinctListGrammar(JSON.parse(constraint.jsonSchema), literal)
  return grammarOfSchema(llama, constraint.jsonSchema)
}

const grammarOf = (choices: readonly string[]): string => `root ::= ${choices.map(literal).join(' | ')}`

/** A string literal of GBNF. */
function literal(text: string): string {
  const escaped = text
    .replace(/["\\]/g, String.raw`\$&`)
    .replace(/\p{Cc}/gu, (control) => String.raw`\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `"${escaped}"`
}

async function grammarOfSchema(llama: Llama, jsonSchema: string): Promise<string> {
  const schema = JSON.parse(jsonSchema, enumerated) as GbnfJsonSchema
  const { grammar } = await llama.createGrammarForJsonSchema<GbnfJsonSchema>(schema)
  if (!grammar.includes(lineBreaksAtEnd))
    throw new Error('node-llama-cpp ends the grammar of a schema in an unknown way')
  return grammar.replace(lineBreaksAtEnd, '')
}

const ShortRange = z
  .object({ type: z.literal('integer'), minimum: z.int(), maximum: z.int() })
  .refine(({ minimum, maximum }) => minimum <= maximum && maximum - minimum < 1_000)

/** Replaces a range of integers by its numbers, because node-llama-cpp ignores `minimum` and `maximum`. */
function enumerated(_: string, value: unknown): unknown {
  const range = ShortRange.safeParse(value).data
  if (!range) return value
  return { enum: Array.from({ length: range.maximum - range.minimum + 1 }, (__, index) => range.minimum + index) }
}
