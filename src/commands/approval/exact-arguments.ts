import { createHash } from 'node:crypto'
import { canonicalJson } from '../../events/canonical-json.ts'

/** The arguments of an action as a person approves them: canonical JSON, and its SHA-256 in hexadecimal. */
export type ExactArguments = { exactArguments: string; argumentsHash: string }

/**
 * The exact arguments of a command. The field that takes the command's id is left out: an action gets its id when it runs. Throws on a
 * string with half of a surrogate pair.
 */
export function exactArgumentsOf(command: unknown, idField?: string): ExactArguments {
  const { [idField ?? '']: _id, ...fields } = command as Record<string, unknown>
  const exactArguments = canonicalJson(fields)
  return { exactArguments, argumentsHash: hashOfText(exactArguments) }
}

/** SHA-256 of the text in UTF-8. */
export const hashOfText = (text: string): string => createHash('sha256').update(text).digest('hex')
